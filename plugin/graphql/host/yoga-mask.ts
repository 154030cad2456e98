import type { Mask } from './error-codec.ts';

/** This part of a Yoga server is not all public: another release may have no `maskedErrorsOpts`. */
interface YogaServer {
  logger: object;
  readonly maskedErrorsOpts?: {
    readonly errorMessage: string;
    readonly isDev?: boolean;
    maskError(error: unknown, message: string, isDev: boolean | undefined): unknown;
  } | null;
}

/** Finds the `maskError` of a Yoga server; undefined where it can not be found. */
export function maskOf(yoga: object): Mask | undefined {
  const server = yoga as YogaServer;
  const options = server.maskedErrorsOpts;
  if (options === null) return (error) => error; // `maskedErrors: false`
  if (options === undefined) return undefined;
  return (error) => unlogged(server, () => options.maskError(error, options.errorMessage, options.isDev));
}

/** Yoga logs what it masks, and will mask the same error again for the answer: twice in the log looks like two runs. */
function unlogged<T>(server: YogaServer, mask: () => T): T {
  const { logger } = server;
  server.logger = Object.create(logger, { error: { value: () => {} } });
  try {
    return mask();
  } finally {
    server.logger = logger;
  }
}
