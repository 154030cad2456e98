/** `Bytes` is the type of `Buffer.concat`: a `Response` takes it, whichever types of Node.js and the web are there. */
export type Bytes = ReturnType<typeof Buffer.concat>;

type Body = NonNullable<Response['body']>;

export interface Reading {
  readonly bytes: Bytes;
  /** The rest of the stream, once more than the limit was read of it; undefined when the stream ended before. */
  readonly rest: Body | undefined;
}

/**
 * Reads a body into memory, and stops once it is larger than `limit` bytes. The rest is left alone, not cancelled: to
 * cancel a request's body closes the socket under some servers, and then the refusal can not be sent.
 */
export async function readUpTo(stream: Body, limit: number): Promise<Reading> {
  const reader = stream.getReader();
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: Buffer.concat(chunks), rest: undefined };
    const chunk = Buffer.from(value); // a copy: the producer may use its own again
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) {
      reader.releaseLock();
      return { bytes: Buffer.concat(chunks), rest: stream };
    }
  }
}

/** The whole of a stream again, of which `bytes` were read. */
export function continued(bytes: Bytes, rest: Body): ReadableStream {
  const reader = rest.getReader();
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
