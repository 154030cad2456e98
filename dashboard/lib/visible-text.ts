import { piecesOf } from './verbatim.ts';

/** Writes a stranger's text where only text can be, such as a tab's title: what can not be seen by its code point. */
export function visibleText(text: string, longest = 60): string {
  const shown = piecesOf(text)
    .map((piece) => piece.text)
    .join('');
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}
