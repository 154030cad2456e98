import { singleKeys } from '../../lib/settings.ts';
import { Dialog } from '../ui/dialog.tsx';

const SHORTCUTS = [
  ['/', 'Find a key'],
  ['j', 'Next row'],
  ['k', 'Previous row'],
  ['x', 'Select the row'],
  ['Enter', 'Open the row'],
  ['r', 'Refresh'],
  ['⌘K or Ctrl K', 'Commands'],
  ['?', 'This help'],
] as const;

const SEARCHES = [
  ['ord-1042', 'the key with exactly this text'],
  ['scope:acme key:"a b"', 'the key “a b” of acme: one read of the index'],
  ['state:in_doubt op:chargeCard', 'in doubt, of one operation'],
  ['error:yes age:<1h', 'completed with an error, begun in the last hour'],
  ['state:running age:>5m', 'running for longer than five minutes'],
] as const;

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const on = singleKeys.use() === 'on';
  return (
    <Dialog title="Help" description="Nothing that a shortcut does changes a record." onClose={onClose}>
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
      </div>
    </Dialog>
  );
}
