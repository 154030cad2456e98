/**
 * A piece is a part of a text as a person can see it: `escape` stands for a character that can not be seen, or
 * reorders others.
 */
export interface Piece {
  readonly text: string;
  readonly escape: boolean;
}

// These characters could make one key look like another: controls, format characters (bidi overrides, zero-width), line
// separators, lone surrogates and private use.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u3164\uffa0]/gu;
const UNSEEN_OR_BREAK = new RegExp(`\\r\\n|${UNSEEN.source}`, 'gu');

/** A body shows these as they are: a line break breaks the line, and a tab is a gap. A carriage return alone would not be seen. */
const SEEN_IN_BODIES = /^(?:\r\n|\n|\t)$/;

/** @param isBody whether line breaks and tabs are shown as what they are, instead of by their code points */
export function piecesOf(text: string, isBody = false): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(isBody ? UNSEEN_OR_BREAK : UNSEEN)) {
    if (isBody && SEEN_IN_BODIES.test(match[0])) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), escape: false });
    pieces.push({ text: codePoint(match[0]), escape: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), escape: false });
  return pieces;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${hex}`;
}
