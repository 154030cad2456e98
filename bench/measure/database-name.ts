/** The name of the database of all benches. It is dropped when they have ended. */
export const DATABASE = 'latchkey_bench';
