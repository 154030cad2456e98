import { createYoga, type YogaInitialContext } from 'graphql-yoga';
import { useIdempotency } from 'latchkey/graphql';
import { schema } from '../../../schema.ts';
import { idempotency } from '../../lib/idempotency.ts';

const yoga = createYoga({
  schema,
  graphqlEndpoint: '/graphql',
  fetchAPI: { Response }, // Next.js takes no other
  plugins: [
    useIdempotency<YogaInitialContext>({
      idempotency,
      scope: ({ context }) => context.request.headers.get('x-user'), // stands for your login
    }),
  ],
});

const handle = async (request: Request) => yoga.fetch(request);

export { handle as GET, handle as POST };
