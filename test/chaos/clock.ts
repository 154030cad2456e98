/** The time in ms by the one clock that all processes of this machine share. A fault that sets a process's clock leaves it alone. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
