import { QueryClient } from '@tanstack/react-query';
import { mayPass } from '../api.ts';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // A refusal stays one. Only a server that can not be reached, or is busy, is asked again.
        retry: (failures, error) => failures < 2 && mayPass(error),
        networkMode: 'always',
      },
      // A mutation carries a key of its own, but whether to send it again is the operator's choice.
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
