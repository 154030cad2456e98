/** The bytes of responses whose body is in memory as a whole. */
const bodies = new WeakMap<Response, Uint8Array>();

/** Notes the bytes of a response's body, so that it can be sent without its stream: to read that costs more than all else of a small answer. */
export function noteBody(response: Response, bytes: Uint8Array | null): Response {
  if (bytes !== null) bodies.set(response, bytes);
  return response;
}

/** Gives the bytes that were noted of a response; undefined for any other, and where somebody has begun to read the stream. */
export function knownBody(response: Response): Uint8Array | undefined {
  return response.bodyUsed || response.body?.locked ? undefined : bodies.get(response);
}
