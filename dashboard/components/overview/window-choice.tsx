import { useLocation } from 'wouter';
import { OVERVIEW_WINDOWS, type OverviewWindow } from '../../queries.ts';

interface WindowChoiceProps {
  readonly window: OverviewWindow;
  /** Makes the address of the page for another span of time. */
  readonly pathOf: (window: OverviewWindow) => string;
}

/** Chooses the span of time that figures and charts are of. */
export function WindowChoice({ window, pathOf }: WindowChoiceProps) {
  const [, navigate] = useLocation();
  return (
    <fieldset className="flex rounded-md border border-line-strong/60 bg-surface p-0.5">
      <legend className="sr-only">Time shown</legend>
      {OVERVIEW_WINDOWS.map(([name, label]) => (
        <label
          key={name}
          title={label}
          className="cursor-pointer rounded px-2.5 py-1 text-xs font-semibold text-muted has-checked:bg-accent-soft has-checked:text-accent forced-colors:has-checked:outline-2 forced-colors:has-checked:-outline-offset-2 has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name="window"
            checked={name === window}
            onChange={() => navigate(pathOf(name))}
            className="sr-only"
          />
          <span aria-hidden>{name}</span>
          <span className="sr-only">{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
