import type { ReactNode } from 'react';
import { usePageTitle } from '../../hooks/use-page-title.ts';

interface PageTitleProps {
  readonly title: string;
  readonly children?: ReactNode;
}

/**
 * Shows the page's heading, with what can be done with the whole page, and names the page in the browser's history.
 */
export function PageTitle({ title, children }: PageTitleProps) {
  usePageTitle(title);
  return (
    <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <div className="flex flex-wrap items-center gap-2">{children}</div>
    </div>
  );
}
