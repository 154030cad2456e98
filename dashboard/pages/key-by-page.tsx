import { useQuery } from '@tanstack/react-query';
import { Redirect } from 'wouter';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import { statusOf } from '../api.ts';
import { PageTitle } from '../components/ui/page-title.tsx';
import { NothingMatches, View } from '../components/ui/view.tsx';
import { keyPath } from '../lib/key-path.ts';
import { keyAtQuery } from '../queries.ts';

/** Leads to the page of the key that a link names by its scope and key, or by the id of its record. */
export function KeyByPage() {
  const params = new URLSearchParams(useSearch());
  const [scope, key, recordId] = ['scope', 'key', 'recordId'].map((name) => params.get(name) ?? '');
  const at = useQuery(keyAtQuery(recordId ? { recordId } : { scope: scope ?? '', key: key ?? '' }));
  if (at.data) return <Redirect to={keyPath(at.data)} replace />;
  const status = statusOf(at.error);
  if (status !== 404 && status !== 400) {
    return (
      <View query={at} what="the key">
        {() => null}
      </View>
    );
  }
  return (
    <>
      <PageTitle title="Key" />
      <NothingMatches>
        <p>
          {status === 404
            ? 'There is no such key, or it is not in your scopes. Keys are forgotten when they expire.'
            : 'This link names no key. Expected `scope` and `key`, or `recordId`.'}
        </p>
      </NothingMatches>
    </>
  );
}
