import { useQuery } from '@tanstack/react-query';
import { Redirect, Route, Switch } from 'wouter';
import { Shell } from './components/shell/shell.tsx';
import { Lazy } from './components/ui/lazy.tsx';
import { NothingYet, View } from './components/ui/view.tsx';
import { MeContext } from './hooks/use-me.ts';
import { KeyByPage } from './pages/key-by-page.tsx';
import { KeysPage } from './pages/keys-page.tsx';
import { OverviewPage } from './pages/overview-page.tsx';
import { meQuery } from './queries.ts';

/** Shows the pages once it is known who is asking: that says what may be done, and what time it is at the server. */
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
        <Pages />
      </Shell>
    </MeContext.Provider>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/keys" component={KeysPage} />
      <Route path="/keys/by" component={KeyByPage} />
      <Route path="/operation">
        <Lazy name="operation" what="the operation" load={() => import('./pages/operation-page.tsx')}>
          {({ OperationPage }) => <OperationPage />}
        </Lazy>
      </Route>
      <Route path="/keys/:id/:life">
        {({ id, life }) => (
          <Lazy name="key" what="the key" load={() => import('./pages/key-page.tsx')}>
            {({ KeyPage }) => <KeyPage key={`${id} ${life}`} id={id} life={life} />}
          </Lazy>
        )}
      </Route>
      <Route path="/duplicates">
        <Lazy
          name="duplicates"
          what="the suspected duplicates"
          load={() => import('./pages/duplicates-page.tsx')}
        >
          {({ DuplicatesPage }) => <DuplicatesPage />}
        </Lazy>
      </Route>
      <Route path="/bulk">
        <Lazy name="jobs" what="the bulk jobs" load={() => import('./pages/jobs-page.tsx')}>
          {({ JobsPage }) => <JobsPage />}
        </Lazy>
      </Route>
      <Route path="/bulk/:id">
        {({ id }) => (
          <Lazy name="job" what="the bulk job" load={() => import('./pages/job-page.tsx')}>
            {({ JobPage }) => <JobPage key={id} id={id} />}
          </Lazy>
        )}
      </Route>
      <Route path="/audit">
        <Lazy name="audit" what="the audit trail" load={() => import('./pages/audit-page.tsx')}>
          {({ AuditPage }) => <AuditPage />}
        </Lazy>
      </Route>
      <Route path="/overview">
        <Redirect to="/" replace />
      </Route>
      <Route>
        <NothingYet title="There is no such page" />
      </Route>
    </Switch>
  );
}
