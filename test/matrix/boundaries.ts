/** The moments at which the process of the app is killed, in the order in which a call passes them. */
export const BOUNDARIES = [
  /** The store was asked to claim the key, and nothing has left the process. */
  'before the claim is sent',
  /** MongoDB has the record, and the process does not know it. */
  'claim sent',
  /** The store knows that it has won, and the handler has not begun. */
  'claim acknowledged',
  'handler entered',
  /** The effect stands; with steps, the step has not ended. */
  'effect done',
  /** Only with steps. */
  'step recorded',
  /** MongoDB has the completion (with a transaction: the commit), and the process does not know it. */
  'completion sent',
  /** The store knows that the completion is durable, and nothing was answered. */
  'completion acknowledged',
  /** The client has its answer. */
  'answer sent',
] as const;

export type Boundary = (typeof BOUNDARIES)[number];

export const APIS = ['GraphQL', 'tRPC', 'HTTP'] as const;
export type Api = (typeof APIS)[number];

/** How an operation says what becomes of a run that was lost. */
export const MODES = ['in_doubt', 'retry', 'resolve', 'transaction', 'steps'] as const;
export type Mode = (typeof MODES)[number];

/** One cell of the matrix; each has a key of its own. */
export interface Cell {
  readonly boundary: Boundary;
  readonly mode: Mode;
  readonly api: Api;
}

export const CELLS: readonly Cell[] = BOUNDARIES.flatMap((boundary) =>
  MODES.filter((mode) => boundary !== 'step recorded' || mode === 'steps').flatMap((mode) =>
    APIS.map((api) => ({ boundary, mode, api })),
  ),
);

export const keyOf = ({ boundary, mode, api }: Cell): string => `${boundary}:${mode}:${api}`;
export const cellOf = (key: string): Cell => {
  const [boundary, mode, api] = key.split(':');
  return { boundary, mode, api } as Cell;
};
