import type { Secrets } from './secrets.ts';

/**
 * Makes the text that stands for a text in the JSON, where its name does not decide that; undefined leaves it to the
 * text itself.
 */
export type ShowText = (text: string, place: ValuePlace) => string | undefined;

/** A place says where in the JSON a value is. */
export interface ValuePlace {
  /**
   * The path holds the names of the fields above the value and its own, the outermost first. Items of a list have
   * none. It holds no more than the first three.
   */
  readonly path: readonly string[];
  /** In a list, this is the text before the value, which may be its name. */
  readonly before?: string | undefined;
}

export interface ViewOptions {
  /** These secrets are hidden. Undefined shows all, in its layout: for what was revealed. */
  readonly secrets: Secrets | undefined;
  /** The view has about so many UTF-16 units: past them no more is read. */
  readonly mostChars: number;
  readonly showText?: ShowText;
  /** Finds further names that a field goes by: for a variable, the arguments that take it. */
  readonly namesOf?: (name: string, place: ValuePlace) => Iterable<string>;
  /** Tells which fields are hidden whatever their name is. */
  readonly isHidden?: (name: string, place: ValuePlace) => boolean;
  /**
   * Tells which fields are answers of an operation, such as `createApiKey: { … }`: an object there has fields of its
   * own to look at.
   */
  readonly isAnswer?: (place: ValuePlace) => boolean;
  /** The view is on one line, as in a text that holds JSON. */
  readonly flat?: boolean;
  readonly depth?: number;
}

export interface View {
  readonly text: string;
  /** Tells whether something was hidden. */
  readonly redacted: boolean;
  /** Tells whether the end of the text was not reached. */
  readonly cut: boolean;
  /** Tells whether the text was JSON as far as it was read. */
  readonly isJson: boolean;
  /** The view took so many tokens to make. */
  readonly visited: number;
}
