import type { Sent } from './client.ts';

/** The same form as a client would send it again: the boundary is another one each time. */
export async function formOf(...fields: [name: string, value: string | File][]): Promise<Sent> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const encoded = new Response(form);
  const headers = { 'content-type': encoded.headers.get('content-type') as string };
  return { headers, body: new Uint8Array(await encoded.arrayBuffer()) };
}

export const file = (content: BlobPart, name = 'scan.pdf', type = 'application/pdf') =>
  new File([content], name, { type, lastModified: Math.random() * 1e12 });

/** A gate among the chunks holds the rest back. */
export function streamOf(chunks: (string | Promise<void>)[]): ReadableStream {
  const left = [...chunks];
  return new ReadableStream({
    async pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) return controller.close();
      if (typeof chunk !== 'string') await chunk;
      controller.enqueue(new TextEncoder().encode(typeof chunk === 'string' ? chunk : 'the end'));
    },
  });
}
