/** What a driver throws where the server refuses a command. */
export interface ServerError extends Error {
  readonly code: number;
  readonly errorLabels: string[];
}

/** After an error with this label nothing of the transaction was kept. */
export const TRANSIENT = 'TransientTransactionError';
/** A driver sends a commit or an abort once more after an error with this label. */
export const RETRYABLE = 'RetryableWriteError';
/** A driver says by this label that a transaction may have been committed or not. */
export const UNKNOWN_RESULT = 'UnknownTransactionCommitResult';

export function serverError(code: number, message: string, ...errorLabels: string[]): ServerError {
  return Object.assign(new Error(message), { name: 'MongoServerError', code, errorLabels });
}

/** What a driver throws where a connection is lost: whether the command was carried out is not known. */
export function networkError(message: string): Error & { readonly errorLabels: string[] } {
  return Object.assign(new Error(message), { name: 'MongoNetworkError', errorLabels: [] });
}
