/** A longer body is refused: no command of the page has more bytes. */
const MOST_BYTES = 2 * 1_024 * 1_024;

/**
 * Makes the same request with its body in memory; undefined when the body is larger than 2 MB. The rest of a body
 * that is too large is read and thrown away: a client that is still sending would not see the answer.
 */
export async function boundedRequest(request: Request): Promise<Request | undefined> {
  const { body, method, headers, url } = request;
  if (body === null) return request;
  const reader = body.getReader();
  if (Number(headers.get('content-length') ?? 0) > MOST_BYTES) return discard(reader);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Request(url, { method, headers, body: Buffer.concat(chunks) });
    size += value.byteLength;
    if (size > MOST_BYTES) return discard(reader);
    chunks.push(value);
  }
}

type Reader = { read(): Promise<{ readonly done: boolean }> };

function discard(reader: Reader): undefined {
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  // A read fails when the client hangs up, and then nobody is there to be told.
  rest().catch(() => {});
}
