import { piecesOf } from '../../lib/verbatim.ts';

interface VerbatimProps {
  readonly text: string;
  /** This word is shown instead of a text without characters. */
  readonly empty?: string;
  /** The text is of a body: its line breaks and tabs are shown as what they are. */
  readonly isBody?: boolean;
}

/**
 * Shows the text of a stranger: isolated from the text around it, and with each character that can not be seen shown
 * by its code point, so that two keys that differ never look the same.
 */
export function Verbatim({ text, empty = 'empty', isBody = false }: VerbatimProps) {
  if (text === '') return <span className="text-muted italic">{empty}</span>;
  const pieces = piecesOf(text, isBody);
  if (pieces.length === 1 && !pieces[0]?.escape) return <bdi>{text}</bdi>;
  return (
    <bdi>
      {pieces.map((piece, index) =>
        piece.escape ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text have no other name
          <span key={index} className="escape-mark">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}
