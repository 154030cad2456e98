import { queryOptions, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { View } from './view.tsx';

interface LazyProps<Code> extends CodeProps<Code> {
  /** The text names what is loading. */
  readonly what: string;
  readonly children: (code: Code) => ReactNode;
}

/** A part of the page whose code is in a file of its own. */
export interface CodeProps<Code> {
  readonly name: string;
  readonly load: () => Promise<Code>;
}

/**
 * Shows a part whose code is loaded when it is first shown. It uses a query, not React's `lazy`, since React holds
 * back what follows a suspended part for 300 ms. Code that can not be loaded is a fault of the page, for a browser
 * does not ask for it again before it is reloaded.
 */
export function Lazy<Code>({ what, children, ...props }: LazyProps<Code>) {
  return (
    <View query={useQuery({ ...codeQuery(props), throwOnError: true })} what={what}>
      {children}
    </View>
  );
}

/**
 * Makes the query of a part's code. It is also for a prefetch: a {@link Lazy} of this name has nothing to wait for
 * then.
 */
export function codeQuery<Code>({ name, load }: CodeProps<Code>) {
  return queryOptions({
    queryKey: ['code', name],
    queryFn: load,
    retry: false,
    staleTime: Infinity,
    gcTime: Infinity,
  });
}
