import { familyOf } from '../../engine/body.ts';
import { type GraphQLRequest, type GraphQLResult, graphqlFormat } from '../../formats/graphql.ts';
import { type HttpContent, type HttpRequest, type HttpResponse, httpFormat } from '../../formats/http.ts';
import { type JsonRequest, type JsonResult, jsonFormat } from '../../formats/json.ts';
import { type TRPCRequest, type TRPCResult, trpcFormat } from '../../formats/trpc.ts';
import { type GraphQLNames, readGraphQL } from './graphql-document.ts';
import { type HttpFacts, shownAddress, shownContent } from './http-content.ts';
import { jsonViewInTurns } from './json-view.ts';
import type { View, ViewOptions } from './json-view-options.ts';
import { REDACTED, type Secrets, withFound } from './secrets.ts';

/** A body to be shown comes with which one it is, and with what the rest of its record says about its names. */
export interface Body {
  readonly text: string;
  readonly format: string | null;
  readonly part: 'request' | 'response';
  readonly operation: string;
  /** Tells whether the body is the answer of an operation that failed. */
  readonly isFailure: boolean;
  /** A response comes with the text of its request, where that was captured and can be read. */
  readonly request?: string | undefined;
}

/**
 * Makes a body as it may be shown, up to a size: its secrets are hidden by what is known of its form.
 * @param secrets undefined shows all, for what was revealed
 */
export async function bodyView(body: Body, secrets: Secrets | undefined, mostChars: number): Promise<View> {
  const { text, request, format, operation } = body;
  if (!secrets) {
    const view = await jsonViewInTurns(text, { secrets, mostChars });
    return view.isJson ? view : { ...view, text: text.slice(0, mostChars), redacted: false };
  }
  const found = new Set<string>();
  if (request !== undefined) {
    const asked: Body = { text: request, format, part: 'request', operation, isFailure: false };
    const own = { ...secrets, found };
    await jsonViewInTurns(request, { secrets: own, mostChars, ...rulesOf(asked, own) });
  }
  const all = withFound(secrets, found);
  return jsonViewInTurns(text, { secrets: all, mostChars, ...rulesOf(body, all) });
}

type Rules = Partial<ViewOptions>;

function rulesOf(body: Body, secrets: Secrets): Rules {
  switch (familyOf(body.format ?? '')) {
    case graphqlFormat.name:
      return body.part === 'request' ? graphqlRequest(secrets) : graphqlResponse(body, secrets);
    case trpcFormat.name:
      return trpc(body, secrets);
    case jsonFormat.name:
      return json(body, secrets);
    case httpFormat.name:
      return http(body, secrets);
    default:
      return {};
  }
}

/**
 * IsHidden the secrets of a GraphQL request. Its query comes first, and says which arguments the variables are;
 * variables without a query are hidden as a whole.
 */
function graphqlRequest(secrets: Secrets): Rules {
  let names: GraphQLNames | undefined;
  return {
    showText(text, { path }) {
      if (!isAt<GraphQLRequest>(path, 'query')) return undefined;
      names = readGraphQL(text, secrets);
      return names ? names.shown : REDACTED;
    },
    isHidden: (name, { path }) =>
      isUnder<GraphQLRequest>(path, 'variables') &&
      (names === undefined || (path.length === 2 && names.secretVariables.has(name))),
    namesOf: (name, { path }) =>
      isIn<GraphQLRequest>(path, 'variables') ? (names?.variables.get(name) ?? []) : [],
  };
}

/**
 * IsHidden the secrets of a GraphQL answer. An alias is named like the field that it stands for; where the request is
 * not known, like the operation.
 */
function graphqlResponse({ operation, request }: Body, secrets: Secrets): Rules {
  const query = request === undefined ? undefined : graphqlFormat.queryIn(request);
  const names = query === undefined ? undefined : readGraphQL(query, secrets);
  return {
    namesOf(name, { path }) {
      if (!isUnder<GraphQLResult>(path, 'data')) return [];
      if (names) return names.aliases.get(name) ?? [];
      return path.length === 2 ? operation.split(/[^\w]+/).filter((field) => field !== '') : [];
    },
    isAnswer: ({ path }) => isIn<GraphQLResult>(path, 'data'),
    ...errorTexts<GraphQLResult>(secrets, 'errors'),
  };
}

function trpc({ operation, part }: Body, secrets: Secrets): Rules {
  const whole: FieldOf<TRPCRequest | TRPCResult> = part === 'request' ? 'input' : 'data';
  // superjson puts the value into a field `json` of what it writes.
  const isWhole = (path: readonly string[]) =>
    isAt<TRPCRequest | TRPCResult>(path, whole) ||
    (isIn<TRPCRequest | TRPCResult>(path, whole) && path[1] === 'json');
  return {
    // A result or an input has no name of its own, so it goes by that of its procedure.
    namesOf: (_name, { path }) => (isWhole(path) ? [operation] : []),
    isAnswer: ({ path }) => isWhole(path),
    ...errorTexts<TRPCResult>(secrets, 'error'),
  };
}

function json({ operation, part }: Body, secrets: Secrets): Rules {
  const whole: FieldOf<JsonRequest | JsonResult> = part === 'request' ? 'input' : 'data';
  const isWhole = (path: readonly string[]) => isAt<JsonRequest | JsonResult>(path, whole);
  return {
    namesOf: (_name, { path }) => (isWhole(path) ? [operation] : []),
    isAnswer: ({ path }) => isWhole(path),
    ...errorTexts<JsonResult>(secrets, 'error'),
  };
}

function http({ isFailure }: Body, secrets: Secrets): Rules {
  const facts: HttpFacts = { type: undefined, isEncoded: false };
  return {
    showText(text, { path, before }) {
      if (isAt<HttpRequest>(path, 'path')) return shownAddress(text, secrets);
      if (isAt<HttpContent>(path, 'base64')) return REDACTED;
      if (isAt<HttpContent>(path, 'text'))
        return isFailure && secrets.errorTexts ? REDACTED : shownContent(text, facts, secrets);
      const header = isAt<HttpRequest | HttpResponse>(path, 'headers') ? before?.toLowerCase() : undefined;
      if (header === 'content-type') facts.type = text;
      if (header === 'content-encoding') facts.isEncoded = true;
      return undefined;
    },
  };
}

/** IsHidden the texts of errors as a whole, where the developer asked for that. */
function errorTexts<Stored>({ errorTexts }: Secrets, field: FieldOf<Stored>): Rules {
  if (!errorTexts) return {};
  return {
    showText: (_text, { path }) => (isUnder<Stored>(path, field) && !isCode(path) ? REDACTED : undefined),
  };
}

const isCode = (path: readonly string[]) => ['code', 'path'].includes(path.at(-1) ?? '');

/** The names of the top fields of a stored form. One that the form has no more is an error of the compiler here. */
type FieldOf<Stored> = Stored extends unknown ? keyof Stored & string : never;

const isUnder = <Stored>(path: readonly string[], field: FieldOf<Stored>) => path[0] === field;
const isAt = <Stored>(path: readonly string[], field: FieldOf<Stored>) =>
  path.length === 1 && path[0] === field;
const isIn = <Stored>(path: readonly string[], field: FieldOf<Stored>) =>
  path.length === 2 && path[0] === field;
