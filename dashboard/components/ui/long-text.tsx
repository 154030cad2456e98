import { useState } from 'react';
import { formatCount } from '../../lib/format.ts';
import { Verbatim } from './verbatim.tsx';

const FIRST = 2_000;
const MORE = 20_000;

/**
 * Shows the beginning of the text of a body, and more of it when that is asked for. The browser lays out no
 * megabyte unasked.
 */
export function LongText({ text, first = FIRST }: { text: string; first?: number }) {
  const [shown, setShown] = useState(first);
  if (text.length <= shown) return <Verbatim text={text} empty="empty text" isBody />;
  return (
    <>
      <Verbatim text={text.slice(0, shown)} isBody />
      <span aria-hidden>… </span>
      <button type="button" className="link font-sans text-xs" onClick={() => setShown(shown + MORE)}>
        Show more of {formatCount(text.length)} characters
      </button>
    </>
  );
}
