import { type ReactNode, useEffect } from 'react';

interface PageTitleProps {
  readonly title: string;
  /** A hidden title is for screen readers only: the page shows its subject instead. */
  readonly hidden?: boolean;
  readonly children?: ReactNode;
}

/**
 * Shows the page's heading, with what can be done with the whole page, and names the page in the browser's history.
 */
export function PageTitle({ title, hidden = false, children }: PageTitleProps) {
  useEffect(() => {
    document.title = `${title} · Latchkey`;
  }, [title]);
  if (hidden) return <h1 className="sr-only">{title}</h1>;
  return (
    <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <div className="flex flex-wrap items-center gap-2">{children}</div>
    </div>
  );
}
