import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { basePath } from './api.ts';
import { App } from './app.tsx';
import { ErrorBoundary } from './components/ui/error-boundary.tsx';
import { AnnounceProvider } from './hooks/use-announce.tsx';
import { createQueryClient } from './lib/query-client.ts';
import './lib/apply-theme.ts';
import './styles.css';

const root = document.getElementById('app');
if (!root) throw new Error('The page has no element with the id `app`');

createRoot(root).render(
  <StrictMode>
    {/* The page's policy forbids style elements. */}
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={createQueryClient()}>
        <Router base={basePath}>
          <AnnounceProvider>
            <ErrorBoundary>
              <App />
            </ErrorBoundary>
          </AnnounceProvider>
        </Router>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
