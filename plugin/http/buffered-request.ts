import type { Captured } from '../../server/call.ts';
import type { ResolvedFingerprint } from '../../server/engine/fingerprint-policy.ts';
import { type Path, without } from '../../server/engine/paths.ts';
import { withHelp } from '../../server/engine/with-help.ts';
import type { Comparison } from '../../server/fingerprints/fingerprints.ts';
import { httpFormat } from '../../server/formats/http.ts';
import type { IsHidden } from '../../server/formats/redact.ts';
import type { Incoming } from '../../server/http/incoming.ts';
import type { Bytes } from '../../server/http/read-up-to.ts';
import type { HttpFingerprintCall } from './call.ts';
import { comparableJson, readableJson } from './json-body.ts';
import { comparableBody } from './multipart.ts';
import { contentOf, redactContent, redactQuery } from './redacted-content.ts';
import { writeContent } from './stored-content.ts';
import { headersToStore } from './stored-headers.ts';

/** The form of a body that is compared by what its JSON says, in the rule of a fingerprint: `s1 as json`. */
const JSON_FORM = 'json';

/** What a request is compared by. */
interface Compared {
  /** The name of the operation, as operators read it. */
  readonly operation: string;
  /** The developer has given the name: then it is hashed, too. */
  readonly isNamed: boolean;
  readonly policy: ResolvedFingerprint;
  /** True compares a JSON body by what it says. */
  readonly isJson: boolean;
  /** Makes the call object that a fingerprint function is shown. */
  call(json: unknown): HttpFingerprintCall;
}

/** A request whose body is in memory, to be hashed and still be given whole to the handler. */
export class BufferedRequest {
  readonly #request: Incoming;
  readonly #body: Bytes | null;

  private constructor(request: Incoming, body: Bytes | null) {
    this.#request = request;
    this.#body = body;
  }

  /**
   * Reads the whole body of a request; undefined when it is larger than `maxBytes`.
   * @throws TypeError when somebody has read the body before, or it has a length and no bytes
   * @throws the body's own error when the client broke off: nothing was claimed yet
   */
  static async read(request: Incoming, maxBytes: number): Promise<BufferedRequest | undefined> {
    if (request.bodyUsed) {
      throw new TypeError(
        'Expected the body of a request with an idempotency key to be unread; let `scope` and what runs before ' +
          'idempotent(...) read a request.clone()',
      );
    }
    if (Number(request.headers.get('content-length')) > maxBytes) return undefined;
    const bytes = await request.read(maxBytes);
    if (bytes === undefined) return undefined;
    if (bytes === null || bytes.length === 0) checkEmpty(request.headers);
    return new BufferedRequest(request, bytes);
  }

  /**
   * Method and target are in it whatever `operation` is: one operation for all of `/accounts/:id` must not answer for
   * one account with another's result. The host is not: a retry may go to another name of the same service.
   */
  comparison({ operation, isNamed, policy, isJson, call }: Compared): Comparison {
    const { method, url, headers } = this.#request;
    const { pathname, search } = new URL(url);
    const type = headers.get('content-type');
    const body = this.#body ?? Buffer.alloc(0);
    const content = (paths: readonly Path[], form: string | undefined) => {
      const json = paths.length > 0 || form === JSON_FORM ? comparableJson(type, body) : undefined;
      return json === undefined
        ? comparableBody(type, body)
        : { contentType: type, json: without(json, paths) };
    };
    return {
      // The name of a route may change with the host's code, and a retry of the same request is still that request.
      operation: isNamed ? operation : `${method} ${pathname}`,
      recorded: operation,
      inputs: [
        {
          place: '',
          policy,
          name: operation,
          call: () => call(readableJson(type, body)),
          without: (paths, form) => ({
            contentEncoding: headers.get('content-encoding'),
            ...content(paths, form),
          }),
        },
      ],
      ...(isJson && { form: JSON_FORM }),
      isForm: (form) => form === JSON_FORM,
      whole: ([content]) => ({ method, target: pathname + search, ...(content as object) }),
    };
  }

  /** Writes the request down with the headers of these names. */
  captured(headerNames: readonly string[], isHidden: IsHidden | undefined): Captured {
    const { method, url, headers } = this.#request;
    const { pathname, search } = new URL(url);
    const query = redactQuery(search, isHidden);
    const content = redactContent(contentOf(this.#body, headers), isHidden);
    const body = httpFormat.writeRequest({
      method,
      path: pathname + query.after,
      headers: headersToStore(headers, headerNames),
      ...writeContent(content.bytes),
    });
    return { format: httpFormat.name, body, redacted: query.changed || content.redacted };
  }

  /** Makes a fresh request. It leaves out the original's signal, which aborts when the client hangs up. */
  copy(signal?: AbortSignal): Request {
    const { url, method, headers } = this.#request;
    return new Request(url, { method, headers: [...headers], body: this.#body, ...(signal && { signal }) });
  }
}

/**
 * A body that a parser has read looks empty to some servers. All such requests would be one and the same, and an order of
 * 500 would be answered with the receipt of 5.
 */
function checkEmpty(headers: Headers): void {
  const length = headers.get('content-length');
  const isSaid = length === null ? headers.has('transfer-encoding') : Number(length) > 0;
  if (!isSaid) return;
  const text =
    `Expected the body of a request with an idempotency key to be there, got no bytes where ${length === null ? 'chunks' : `a Content-Length of ${length}`} ` +
    'were announced: a body parser in front (such as express.json()) has read it. Mount the handler by `toNodeHandler`, ' +
    '`toFastifyHandler` or `toKoaHandler` of latchkey/http, which take what the parser left, or put it before the parser';
  throw new TypeError(withHelp(text, 'body-parser'));
}
