import { type Profiler, Session } from 'node:inspector/promises';

const INTERVAL_MICROS = 200;
let session: Session | undefined;

/** Starts a CPU profile of this process; the next call ends it and gives it. */
export async function profile(): Promise<Profiler.Profile | undefined> {
  if (session) {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    session = undefined;
    return profile;
  }
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS });
  await session.post('Profiler.start');
  return undefined;
}
