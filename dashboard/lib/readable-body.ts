import { type JsonNode, readJson } from './json-tree.ts';

/** A body as its developer and its client know it, without the form in which it is stored. */
export interface ReadableBody {
  /** The first line says what a request calls, or with which status a response came: `POST /payments`, `409 CONFLICT`. */
  readonly start: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The text is the GraphQL document. */
  readonly query: string | null;
  /** The trees are the variables, the input, the data, the errors: whatever is JSON. */
  readonly trees: readonly { readonly label: string | null; readonly node: JsonNode }[];
  /** The text is the content of HTTP that is no JSON. */
  readonly text: string | null;
  /** The note says what the body does not show. */
  readonly note: string | null;
}

const NOTHING: ReadableBody = { start: null, headers: [], query: null, trees: [], text: null, note: null };

/** Reads a stored body as what it stands for; undefined for a form that this page does not know. */
export function readableBody(
  format: string | null,
  part: 'request' | 'response',
  body: JsonNode,
): ReadableBody | undefined {
  const reader = READERS[(format ?? '').split(/[/ ]/)[0] ?? ''];
  return body.kind === 'object' ? reader?.[part](body) : undefined;
}

type Body = Extract<JsonNode, { kind: 'object' }>;
type Reader = (body: Body) => ReadableBody | undefined;

const READERS: Readonly<Record<string, Readonly<Record<'request' | 'response', Reader>>>> = {
  graphql: { request: graphqlRequest, response: graphqlResponse },
  trpc: { request: trpcRequest, response: trpcResponse },
  http: { request: (body) => httpMessage(body, httpCall), response: (body) => httpMessage(body, httpStatus) },
  json: { request: (body) => input(body, null), response: plainResponse },
};

function graphqlRequest(body: Body): ReadableBody | undefined {
  const query = textIn(body, 'query');
  if (query === undefined) return undefined;
  const name = textIn(body, 'operationName');
  const isNamed = name !== undefined && new RegExp(`\\b${escaped(name)}\\b`).test(query);
  return {
    ...NOTHING,
    start: name === undefined || isNamed ? null : `operationName: ${name}`,
    query,
    trees: tree(body, 'variables', 'Variables'),
  };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Writes the errors as the client got them: they are stored as pairs of their kind and their fields. */
function graphqlResponse(body: Body): ReadableBody {
  const errors = fieldOf(body, 'errors');
  let masked = false;
  const shown = body.entries.map(([name, value]) => {
    if (name !== 'errors' || errors?.kind !== 'array') return [name, value] as const;
    const items = errors.items.map((error) => {
      const [kind, fields] = error.kind === 'array' ? error.items : [];
      if (kind?.kind !== 'string' || fields === undefined) return error;
      masked ||= kind.text === 'unexpected';
      return fields;
    });
    return [name, { kind: 'array', items }] as const;
  });
  return {
    ...NOTHING,
    trees: [{ label: null, node: { kind: 'object', entries: shown } }],
    note: masked
      ? 'An error without a message was unexpected: the server masks it, and clients read its own text instead.'
      : null,
  };
}

function trpcRequest(body: Body): ReadableBody | undefined {
  const path = textIn(body, 'path');
  return path === undefined ? undefined : input(body, path);
}

function input(body: Body, start: string | null): ReadableBody {
  const [found] = tree(body, 'input', 'Input');
  return {
    ...NOTHING,
    start,
    trees: found ? [{ ...found, node: withoutTransformer(found.node) }] : [],
    note: found ? null : 'It was called without an input.',
  };
}

function trpcResponse(body: Body): ReadableBody {
  const error = fieldOf(body, 'error');
  if (error === undefined) return { ...plainResponse(body), start: '200 OK' };
  const code = error.kind === 'object' ? textIn(error, 'code') : undefined;
  const status = code === undefined ? undefined : TRPC_STATUS[code];
  return {
    ...NOTHING,
    start: status === undefined ? null : `${status} ${code}`,
    trees: [{ label: 'Error', node: error }, ...tree(body, 'shape', 'As its first caller saw it')],
  };
}

function plainResponse(body: Body): ReadableBody {
  const [found] = [...tree(body, 'data', null), ...tree(body, 'error', 'Error')];
  return {
    ...NOTHING,
    trees: found ? [{ ...found, node: withoutTransformer(found.node) }] : [],
    note: found ? null : 'It returned nothing.',
  };
}

/** Takes what a transformer such as superjson wrote, without its notes about types. */
function withoutTransformer(node: JsonNode): JsonNode {
  if (node.kind !== 'object') return node;
  const json = fieldOf(node, 'json');
  const others = node.entries.filter(([name]) => name !== 'json' && name !== 'meta');
  return json !== undefined && others.length === 0 ? json : node;
}

function httpMessage(body: Body, startOf: (body: Body) => string | undefined): ReadableBody | undefined {
  const start = startOf(body);
  if (start === undefined) return undefined;
  const text = textIn(body, 'text');
  const base64 = textIn(body, 'base64');
  const node = text === undefined ? undefined : readJson(text);
  const isTree = node?.kind === 'object' || node?.kind === 'array';
  return {
    ...NOTHING,
    start,
    headers: headersIn(body),
    trees: isTree ? [{ label: null, node }] : [],
    text: isTree ? null : (text ?? null),
    note: contentNote(text, base64),
  };
}

function contentNote(text: string | undefined, base64: string | undefined): string | null {
  if (base64 !== undefined)
    return 'Its content is bytes, and no text: they are in the stored form, as base64.';
  return text === undefined ? 'It has no content.' : null;
}

function httpCall(body: Body): string | undefined {
  const [method, path] = [textIn(body, 'method'), textIn(body, 'path')];
  return method === undefined || path === undefined ? undefined : `${method} ${path}`;
}

function httpStatus(body: Body): string | undefined {
  const status = fieldOf(body, 'status');
  if (status?.kind !== 'literal') return undefined;
  return `${status.source} ${textIn(body, 'statusText') ?? ''}`.trim();
}

function headersIn(body: Body): ReadableBody['headers'] {
  const headers = fieldOf(body, 'headers');
  if (headers?.kind !== 'array') return [];
  return headers.items.flatMap((header) => {
    const [name, value] = header.kind === 'array' ? header.items : [];
    return name?.kind === 'string' && value?.kind === 'string' ? [[name.text, value.text] as const] : [];
  });
}

function tree(body: Body, name: string, label: string | null): ReadableBody['trees'] {
  const node = fieldOf(body, name);
  return node === undefined ? [] : [{ label, node }];
}

/** Finds a field as `JSON.parse` would: the last one of a name counts. */
function fieldOf(body: Body, name: string): JsonNode | undefined {
  return body.entries.findLast(([field]) => field === name)?.[1];
}

function textIn(body: Body, name: string): string | undefined {
  const node = fieldOf(body, name);
  return node?.kind === 'string' ? node.text : undefined;
}

/** The statuses with which tRPC answers its codes. */
const TRPC_STATUS: Readonly<Record<string, number>> = {
  PARSE_ERROR: 400,
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  PAYMENT_REQUIRED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  TIMEOUT: 408,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNPROCESSABLE_CONTENT: 422,
  PRECONDITION_REQUIRED: 428,
  TOO_MANY_REQUESTS: 429,
  CLIENT_CLOSED_REQUEST: 499,
  INTERNAL_SERVER_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  BAD_GATEWAY: 502,
  SERVICE_UNAVAILABLE: 503,
  GATEWAY_TIMEOUT: 504,
};
