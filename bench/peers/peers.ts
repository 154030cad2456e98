/** Another library that a user could pick, with the exact packages that it takes. They are no dependencies of this repository. */
export interface Peer {
  readonly name: string;
  readonly store: 'MongoDB' | 'Redis';
  readonly packages: Readonly<Record<string, string>>;
}

export type PeerId = 'express-idempotency' | 'powertools';

export const PEERS: Readonly<Record<PeerId, Peer>> = {
  'express-idempotency': {
    name: 'express-idempotency',
    store: 'MongoDB',
    packages: {
      'express-idempotency': '1.0.6',
      'express-idempotency-mongo-adapter': '1.0.6',
      mongodb: '6.20.0',
    },
  },
  powertools: {
    name: 'Powertools for AWS Lambda',
    store: 'Redis',
    packages: { '@aws-lambda-powertools/idempotency': '2.35.0', '@redis/client': '6.3.1' },
  },
};
