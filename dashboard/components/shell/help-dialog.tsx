import { singleKeys } from '../../lib/settings.ts';
import { WORDS } from '../../lib/words.ts';
import { Dialog } from '../ui/dialog.tsx';

const SHORTCUTS = [
  ['/', 'Find a key'],
  ['j', 'Next row, or next key'],
  ['k', 'Previous row, or previous key'],
  ['x', 'Select the row'],
  ['Shift click', 'Select all rows up to this one'],
  ['Enter', 'Open the row'],
  ['r', 'Refresh'],
  ['1 2 3 4', 'Overview, keys, jobs, audit'],
  ['⌘K or Ctrl K', 'Commands'],
  ['⌘Enter or Ctrl Enter', 'Send the form of a dialog'],
  ['?', 'This help'],
] as const;

const SEARCHES = [
  ['ord-1042', 'the key with exactly this text. Paste it anywhere on a page'],
  ['Idempotency-Key: "ord-1042"', 'the same key, as a header, a log line or a record id gives it'],
  ['scope:acme key:"a b"', 'the key “a b” of acme: one read of the index'],
  ['state:in_doubt op:chargeCard', 'in doubt, of one operation'],
  ['error:yes age:<1h', 'completed with an error, begun in the last hour'],
  ['state:running age:>5m', 'running for longer than five minutes'],
] as const;

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const on = singleKeys.use() === 'on';
  return (
    <Dialog
      title="Help"
      description="No shortcut changes a record: the letters of the actions open a dialog that asks first."
      onClose={onClose}
    >
      <div className="grid gap-5 p-4">
        <section>
          <h3 className="eyebrow mb-1.5">Shortcuts</h3>
          <dl className="grid gap-x-6 gap-y-1.5 sm:grid-cols-2">
            {SHORTCUTS.map(([key, effect]) => (
              <div key={key} className="flex items-baseline justify-between gap-3">
                <dt>{effect}</dt>
                <dd>
                  <kbd className="rounded border border-line-strong/60 bg-sunken px-1.5 py-0.5 font-mono text-xs">
                    {key}
                  </kbd>
                </dd>
              </div>
            ))}
          </dl>
          <p className="mt-2 text-muted">The letter on the button of an action opens its dialog.</p>
          <label className="mt-3 flex items-center gap-2">
            <input
              type="checkbox"
              checked={on}
              onChange={() => singleKeys.set(on ? 'off' : 'on')}
              className="size-4 accent-accent"
            />
            Shortcuts of a single character
          </label>
        </section>
        <section>
          <h3 className="eyebrow mb-1.5">Searches</h3>
          <dl className="grid gap-1.5">
            {SEARCHES.map(([text, meaning]) => (
              <div key={text}>
                <dt className="font-mono text-xs wrap-anywhere">{text}</dt>
                <dd className="text-muted">{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h3 className="eyebrow mb-1.5">Words</h3>
          <dl className="grid gap-1.5">
            {Object.entries(WORDS).map(([word, meaning]) => (
              <div key={word}>
                <dt className="font-medium">{word}</dt>
                <dd className="text-muted">{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
