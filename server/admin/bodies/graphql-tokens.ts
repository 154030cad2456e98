/** A token comes with where in the query it is written. */
export interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const IGNORED = /(?:[\s,\uFEFF]+|#[^\n\r]*)+/y;
const PLAIN = /\.\.\.|[_A-Za-z][_0-9A-Za-z]*|-?\d[\w.+-]*|[!$&()[\]{}:=@|]/y;
const MOST_TOKENS = 50_000;

/** Reads the tokens of a GraphQL document; undefined for a text that is none, is cut off, or has too many. */
export function tokensOf(query: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    IGNORED.lastIndex = at;
    if (IGNORED.test(query)) at = IGNORED.lastIndex;
    if (at >= query.length) return tokens;
    const to = endOfToken(query, at);
    if (to === undefined || tokens.length >= MOST_TOKENS) return undefined;
    tokens.push({ text: query.slice(at, to), from: at, to });
    at = to;
  }
}

function endOfToken(query: string, at: number): number | undefined {
  if (query.startsWith('"""', at)) return endOfText(query, at + 3, '"""');
  if (query[at] === '"') return endOfText(query, at + 1, '"');
  PLAIN.lastIndex = at;
  return PLAIN.test(query) ? PLAIN.lastIndex : undefined;
}

function endOfText(query: string, from: number, quote: string): number | undefined {
  for (let end = query.indexOf(quote, from); end >= 0; end = query.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (query[end - 1 - slashes] === '\\') slashes++;
    // A block can escape only the quotes themselves, all three at once.
    const isEscaped = quote === '"' ? slashes % 2 === 1 : slashes > 0;
    if (!isEscaped) return end + quote.length;
  }
  return undefined;
}

/** Makes the content of a token: what a text says, and any other value as it is written. */
export function contentOf(text: string): string {
  if (!text.startsWith('"')) return text;
  if (text.startsWith('"'.repeat(3))) return text.slice(3, -3);
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

export const isName = (text: string) => /^[_A-Za-z]/.test(text);
export const isPunctuation = (text: string) => /^[!$&()[\]{}:=@|.]/.test(text);
