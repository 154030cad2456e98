import { isObject } from '../engine/option-checks.ts';
import { whatCame } from '../engine/what-came.ts';
import { withHelp } from '../engine/with-help.ts';

/** A host has this of a body that a parser in front has read. */
export interface Parsed {
  /** The body as the parser made it: `request.body` of Express, Fastify and Koa. */
  readonly body: unknown;
  /** The body as it was sent, where the host keeps that too: `request.rawBody` of Nest and of several plugins. */
  readonly rawBody: unknown;
}

interface Described {
  readonly type: string;
  /** The length of the message; undefined where it was sent in chunks. */
  readonly length: number | undefined;
  readonly encoding: string | undefined;
}

/** The bytes of a body again, and whether they are encoded (`Content-Encoding`) as those that were sent. */
export interface Restored {
  readonly bytes: Uint8Array;
  readonly isEncoded: boolean;
}

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*"?(?!utf-?8\b|us-ascii\b)/i;

/**
 * Makes a body again that a parser has read: of the bytes, where the host kept them, else of what the parser made of JSON or
 * of a form. That is not always what was sent (JSON without its spaces), but two bodies that differ in what the parser saw
 * differ in it, too.
 * @throws TypeError where it can not be known to be the same body: an empty or a changed one would pass for another request
 */
export function restoredBody({ body, rawBody }: Parsed, described: Described): Restored {
  const kept = [rawBody, body].find((each) => each instanceof Uint8Array);
  if (kept !== undefined) return keptBytes(kept as Uint8Array, described);
  if (typeof rawBody === 'string') return ofText(rawBody, described);
  if (JSON_TYPE.test(described.type)) return ofJson(body, described);
  if (typeof body === 'string') return ofText(body, described);
  if (FORM_TYPE.test(described.type)) return ofForm(body);
  throw unreadable(body === undefined ? 'left nothing of it' : `left ${whatCame(body)}`);
}

/** Some parsers unpack what is encoded, and some do not; the length tells. */
function keptBytes(bytes: Uint8Array, { length, encoding }: Described): Restored {
  if (encoding === undefined || bytes.length === length) return { bytes, isEncoded: true };
  if (length !== undefined) return { bytes, isEncoded: false };
  throw unreadable('may have unpacked it or not, since it has no length');
}

function ofText(text: string, described: Described): Restored {
  const bytes = Buffer.from(text);
  if (!isWhole(text, bytes.length, described)) throw unreadable('made a text of bytes that are no UTF-8');
  return { bytes, isEncoded: false };
}

/** A parser puts U+FFFD for each byte that it can not read, so that different bodies become one text. */
function isWhole(text: string, bytes: number, { type, length, encoding }: Described): boolean {
  if (length !== undefined && encoding === undefined) return bytes === length;
  return !text.includes('\ufffd') && (!OTHER_CHARSET.test(type) || bytes === text.length);
}

function ofJson(body: unknown, described: Described): Restored {
  if (typeof body === 'string') return ofJsonOrText(body, described);
  const problem = body === undefined ? 'left nothing of it' : problemOf(body, 'body');
  if (problem !== undefined) throw unreadable(problem);
  return { bytes: Buffer.from(JSON.stringify(body)), isEncoded: false };
}

/** Either a parser for text left the JSON as it was sent, or a parser for JSON read a text of one string. */
function ofJsonOrText(body: string, described: Described): Restored {
  const { length, encoding } = described;
  if (encoding === undefined && Buffer.byteLength(body) === length) return ofText(body, described);
  const bytes = Buffer.from(JSON.stringify(body));
  if (encoding === undefined && bytes.length === length) return { bytes, isEncoded: false };
  throw unreadable('left a text, which may be the JSON itself or what it says');
}

/** Says which part of a value is not plain JSON; undefined when all is. */
function problemOf(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? `made ${value} of the number \`${path}\`, which may have been another one`
      : undefined;
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (Array.isArray(value)) return firstProblem(value.map((item, at) => [`${path}[${at}]`, item]));
  if (isPlain(value))
    return firstProblem(Object.entries(value).map(([name, item]) => [`${path}.${name}`, item]));
  return `left ${whatCame(value)} at \`${path}\`, which is no JSON`;
}

function firstProblem(parts: readonly (readonly [path: string, value: unknown])[]): string | undefined {
  for (const [path, value] of parts) {
    const problem = value === undefined ? undefined : problemOf(value, path);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isPlain(value: unknown): value is object {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function ofForm(body: unknown): Restored {
  if (!isPlain(body)) throw unreadable(`left ${whatCame(body)}`);
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each !== 'string') {
        throw unreadable(
          `made ${whatCame(each)} of the field \`${name}\`; parse forms with \`extended: false\``,
        );
      }
      fields.append(name, each);
    }
  }
  return { bytes: Buffer.from(fields.toString()), isEncoded: false };
}

function unreadable(why: string): TypeError {
  const text =
    `Expected the body of the request to be unread, but a body parser in front of the handler has read it and ${why}. ` +
    'Put the handler before the parser, or let the parser keep the bytes: ' +
    '`express.json({ verify: (req, _res, bytes) => { req.rawBody = bytes } })`, `rawBody: true` in Nest';
  return new TypeError(withHelp(text, 'body-parser'));
}
