import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { Shell } from './components/shell.tsx';
import { Loading, NothingYet, View } from './components/view.tsx';
import { MeContext } from './hooks/use-me.ts';
import { KeysPage } from './pages/keys-page.tsx';
import { OverviewPage } from './pages/overview-page.tsx';
import { meQuery } from './queries.ts';

const KeyPage = lazy(() => import('./pages/key-page.tsx').then(({ KeyPage }) => ({ default: KeyPage })));
const JobsPage = lazy(() => import('./pages/jobs-page.tsx').then(({ JobsPage }) => ({ default: JobsPage })));
const JobPage = lazy(() => import('./pages/job-page.tsx').then(({ JobPage }) => ({ default: JobPage })));
const AuditPage = lazy(() =>
  import('./pages/audit-page.tsx').then(({ AuditPage }) => ({ default: AuditPage })),
);

/** Who is asking is known first: it says what may be done, and what time it is at the server. */
export function App() {
  const me = useQuery(meQuery);
  if (!me.data) {
    return (
      <View query={me} what="your session">
        {() => null}
      </View>
    );
  }
  return (
    <MeContext.Provider value={me.data}>
      <Shell>
        <Suspense fallback={<Loading what="the page" />}>
          <Pages />
        </Suspense>
      </Shell>
    </MeContext.Provider>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/keys" component={KeysPage} />
      <Route path="/keys/:id/:life">
        {({ id, life }) => <KeyPage key={`${id} ${life}`} id={id} life={life} />}
      </Route>
      <Route path="/bulk" component={JobsPage} />
      <Route path="/bulk/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
      <Route path="/audit" component={AuditPage} />
      <Route path="/overview">
        <Redirect to="/" replace />
      </Route>
      <Route>
        <NothingYet title="There is no such page" />
      </Route>
    </Switch>
  );
}
