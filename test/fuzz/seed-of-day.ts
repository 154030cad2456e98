/** The day as a number, `20261130`: a run of CI can be repeated, and each day tries other cases. */
export const seedOfDay = (now = new Date()): number =>
  Number(now.toISOString().slice(0, 10).replaceAll('-', ''));
