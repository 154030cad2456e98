import { Agent, type IncomingHttpHeaders, request } from 'node:http';

interface Posted {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal?: AbortSignal | undefined;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true });

/** Sends a request by Node.js's own client, which costs a third of what `fetch` costs: some tests send thousands. */
export function post(url: string, { headers, body, signal }: Posted): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      method: 'POST',
      headers: { accept: '*/*', ...headers },
      ...(signal && { signal }),
    };
    const sent = request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('error', reject); // an answer that was cut off
      response.once('end', () =>
        resolve({ status: response.statusCode as number, headers: response.headers, text }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
