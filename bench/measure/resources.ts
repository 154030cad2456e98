import type { EventEmitter } from 'node:events';
import { memoryUsage } from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** `Resources` are what a process holds at a moment. */
export interface Resources {
  readonly rssMb: number;
  /** After a garbage collection. */
  readonly heapMb: number;
  readonly timers: number;
  /** Listeners on the process, its server, its client and its database. */
  readonly listeners: number;
  /** These keep the process alive and are no timers: sockets, servers, requests. */
  readonly handles: number;
}

type Emitter = Pick<EventEmitter, 'eventNames' | 'listenerCount'>;

/** Counts what this process holds. It collects garbage first, so that what counts is what is still reachable. */
export async function resourcesOf(emitters: readonly Emitter[]): Promise<Resources> {
  const collect = collector();
  collect();
  await setImmediate(); // callbacks of what was collected
  collect();
  const { rss, heapUsed } = memoryUsage();
  const active = process.getActiveResourcesInfo();
  const timers = active.filter((name) => name === 'Timeout' || name === 'Immediate').length;
  return {
    rssMb: rss / 2 ** 20,
    heapMb: heapUsed / 2 ** 20,
    timers,
    handles: active.length - timers,
    listeners: emitters
      .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)))
      .reduce((sum, count) => sum + count, 0),
  };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
