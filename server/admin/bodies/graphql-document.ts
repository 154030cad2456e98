import { contentOf, isName, isPunctuation, type Token, tokensOf } from './graphql-tokens.ts';
import { REDACTED, type Secrets } from './secrets.ts';

/** These names come from a query: the rest of a request, and its answer, do not tell them. */
export interface GraphQLNames {
  /** The text is the query without the values of secret arguments. */
  readonly shown: string;
  readonly redacted: boolean;
  /** The map tells for each variable which arguments and input fields take it. */
  readonly variables: ReadonlyMap<string, ReadonlySet<string>>;
  /** These variables take part in the value of a secret argument. */
  readonly secretVariables: ReadonlySet<string>;
  /** The map tells for each response key which fields it stands for. */
  readonly aliases: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Reads the names in a GraphQL document, by its tokens: the package `graphql` need not be here, and is not where only
 * the command line is. Undefined for a text that can not be looked into: no GraphQL, cut off, or nested too deep.
 */
export function readGraphQL(query: string, secrets: Secrets): GraphQLNames | undefined {
  const tokens = tokensOf(query);
  if (!tokens) return undefined;
  try {
    return new DocumentReader(query, tokens, secrets).read();
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

class Unreadable extends Error {}

const DEEPEST = 200;

/** Reads the tokens from the first to the last, and collects the names that they say. */
class DocumentReader {
  readonly #query: string;
  readonly #tokens: readonly Token[];
  readonly #secrets: Secrets;
  readonly #variables = new Map<string, Set<string>>();
  readonly #secretVariables = new Set<string>();
  readonly #aliases = new Map<string, Set<string>>();
  readonly #hidden: { from: number; to: number }[] = [];
  /**
   * Default values of variables are looked at last, for which of them are secret is known when each use of the
   * variables is.
   */
  readonly #defaults: { variable: string; at: number }[] = [];
  #at = 0;
  #depth = 0;

  constructor(query: string, tokens: readonly Token[], secrets: Secrets) {
    this.#query = query;
    this.#tokens = tokens;
    this.#secrets = secrets;
  }

  read(): GraphQLNames {
    while (this.#at < this.#tokens.length) this.#definition();
    for (const { variable, at } of this.#defaults) {
      this.#at = at;
      const names = [variable, ...(this.#variables.get(variable) ?? [])];
      const isSecret =
        this.#secretVariables.has(variable) || names.some((name) => this.#secrets.isName(name));
      this.#value(names, isSecret);
    }
    return {
      shown: this.#shown(),
      redacted: this.#hidden.length > 0,
      variables: this.#variables,
      secretVariables: this.#secretVariables,
      aliases: this.#aliases,
    };
  }

  /** Reads a definition up to the end of its selection. */
  #definition(): void {
    let isDirective = false;
    for (;;) {
      const text = this.#take();
      if (text === '{') {
        this.#selection();
        return;
      }
      if (text === '(' && isDirective) this.#arguments();
      else if (text === '(') this.#variableDefinitions();
      isDirective = text === '@' || (isDirective && text !== '(');
    }
  }

  #selection(): void {
    this.#inside(() => {
      for (let text = this.#take(); text !== '}'; text = this.#take()) {
        if (text === '{') this.#selection();
        else if (text === '(') this.#arguments();
        else if (this.#peek() === ':' && isName(text)) {
          this.#take();
          addTo(this.#aliases, text, this.#take());
        }
      }
    });
  }

  #variableDefinitions(): void {
    let variable = '';
    for (let text = this.#take(); text !== ')'; text = this.#take()) {
      if (text === '$') variable = this.#take();
      else if (text === '(') this.#arguments();
      else if (text === '=') {
        this.#defaults.push({ variable, at: this.#at });
        this.#skipValue();
      }
    }
  }

  #arguments(): void {
    while (this.#peek() !== ')') this.#field([]);
    this.#take();
  }

  /** Reads an argument or an input field: `name: value`. */
  #field(parents: readonly string[], isSecret = false): void {
    const name = this.#take();
    if (!isName(name) || this.#take() !== ':') throw new Unreadable();
    this.#value([name], isSecret || isSecretIn(this.#secrets, [name], parents));
  }

  /**
   * Reads a value.
   * @param names by which the value goes: a variable's default has several
   */
  #value(names: readonly string[], isSecret: boolean): void {
    const start = this.#tokens[this.#at];
    const text = this.#take();
    if (text === '$') {
      const variable = this.#take();
      for (const name of names) addTo(this.#variables, variable, name);
      if (isSecret) this.#secretVariables.add(variable);
      return;
    }
    if (text === '[') {
      this.#inside(() => {
        while (this.#peek() !== ']') this.#value(names, isSecret);
        this.#take();
      });
    } else if (text === '{') {
      this.#inside(() => {
        while (this.#peek() !== '}') this.#field(names, isSecret);
        this.#take();
      });
    } else if (isPunctuation(text)) {
      throw new Unreadable();
    } else if ((isSecret && text !== 'null') || this.#secrets.isText(contentOf(text))) {
      this.#hidden.push(start as Token);
      if (isSecret) this.#secrets.found?.add(contentOf(text));
    }
  }

  #skipValue(): void {
    let open = 0;
    do {
      const text = this.#take();
      if (text === '[' || text === '{') open++;
      else if (text === ']' || text === '}') open--;
      else if (text === '$') this.#take();
    } while (open > 0);
  }

  #shown(): string {
    const parts: string[] = [];
    let from = 0;
    for (const hidden of this.#hidden.sort((one, other) => one.from - other.from)) {
      parts.push(this.#query.slice(from, hidden.from), JSON.stringify(REDACTED));
      from = hidden.to;
    }
    return [...parts, this.#query.slice(from)].join('');
  }

  #inside(work: () => void): void {
    if (++this.#depth > DEEPEST) throw new Unreadable();
    work();
    this.#depth--;
  }

  #peek(): string {
    const token = this.#tokens[this.#at];
    if (!token) throw new Unreadable();
    return token.text;
  }

  #take(): string {
    const text = this.#peek();
    this.#at++;
    return text;
  }
}

function isSecretIn(secrets: Secrets, names: readonly string[], parents: readonly string[]): boolean {
  return names.some((name) => secrets.isName(name) || parents.some((parent) => secrets.isName(name, parent)));
}

function addTo(map: Map<string, Set<string>>, name: string, value: string): void {
  const values = map.get(name);
  if (values) values.add(value);
  else map.set(name, new Set([value]));
}
