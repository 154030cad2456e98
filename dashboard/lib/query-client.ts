import { QueryClient } from '@tanstack/react-query';
import { mayPass } from '../api.ts';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // A refusal would be refused again. Only a server that can not be reached, or is busy, is asked again.
        retry: (failures, error) => failures < 2 && mayPass(error),
        networkMode: 'always',
      },
      // A mutation carries its own key and could be sent again, but the operator decides whether it is.
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
