import { Component, type ReactNode } from 'react';
import { Button } from './button.tsx';

interface ErrorBoundaryState {
  readonly error: unknown;
}

/** Shows a fault of the page itself, or a part of it that could not be loaded, so that the page is never blank. */
export class ErrorBoundary extends Component<{ children: ReactNode }, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): ErrorBoundaryState {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <main role="alert" className="mx-auto grid max-w-xl justify-items-start gap-3 p-8">
        <h1 className="text-lg font-semibold">This page failed</h1>
        <p className="wrap-anywhere text-muted">{error instanceof Error ? error.message : String(error)}</p>
        <Button tone="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </main>
    );
  }
}
