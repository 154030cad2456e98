import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { givenResponseFor, UnusableResponse } from '../actions/given-response.ts';
import { takeAction, Withdrawn } from '../actions/take-action.ts';
import type { ItemRecord } from '../collections/job-items.ts';
import type { JobRecord } from '../collections/job-record.ts';
import { refusalSentence } from '../contract/refusal.ts';
import type { AdminServices } from '../services/services.ts';

export interface RunnerOptions {
  /** The runner looks for a job that nobody runs at this interval, in ms. Default 5 s. */
  readonly pollMs?: number;
  /** A job is free for another process when its own has said nothing for this time, in ms. Default 15 s. */
  readonly leaseMs?: number;
  /** The runner pauses for this time between two keys, in ms: the application's own traffic comes first. Default 20 ms. */
  readonly pauseMs?: number;
  /** The runner does this job and no other. Default: any */
  readonly only?: string;
}

const ITEMS_PER_BATCH = 20;
const MOST_FAILURES = 3;

/** The runner does jobs in the background, one at a time, also those of a process that has gone: each item is idempotent. */
export class JobRunner {
  readonly #services: AdminServices;
  readonly #id = randomUUID();
  readonly #options: Required<Omit<RunnerOptions, 'only'>>;
  readonly #only: string | undefined;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;

  constructor(
    services: AdminServices,
    { pollMs = 5_000, leaseMs = 15_000, pauseMs = 20, only }: RunnerOptions = {},
  ) {
    this.#services = services;
    this.#options = { pollMs, leaseMs, pauseMs };
    this.#only = only;
  }

  /** Begins to look for jobs. The runner keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.wake(), this.#options.pollMs).unref();
  }

  wake(): void {
    if (this.#closing.signal.aborted) return;
    // The database may be away, or the host may have closed its client: the next look tries again.
    this.#work ??= this.#runAll()
      .catch(() => {})
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** Finishes the key that the runner is at; another process goes on with the job. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#work;
  }

  async #runAll(): Promise<void> {
    const { jobs } = this.#services;
    while (!this.#closing.signal.aborted) {
      const job = await jobs.take(this.#id, this.#options.leaseMs, this.#only);
      if (!job) return;
      try {
        await this.#run(job);
      } finally {
        await jobs.letGo(job._id, this.#id);
      }
    }
  }

  async #run(job: JobRecord): Promise<void> {
    const { jobs, records } = this.#services;
    let failures = 0;
    for (;;) {
      const items = await jobs.items.waiting(job._id, ITEMS_PER_BATCH);
      if (items.length === 0) {
        const endedAt = await records.now();
        const counts = await jobs.items.counts(job._id);
        await jobs.change(job._id, ['running'], { state: 'done', endedAt, ...counts });
        return;
      }
      for (const item of items) {
        if (this.#closing.signal.aborted) return;
        if (!(await jobs.keep(job._id, this.#id, this.#options.leaseMs))) return;
        failures = (await this.#act(job, item)) ? 0 : failures + 1;
        if (failures >= MOST_FAILURES) {
          await jobs.change(job._id, ['running'], { state: 'paused' });
          return;
        }
        await pause(this.#options.pauseMs);
      }
    }
  }

  /**
   * Takes the action on one key of a job.
   * @returns false when it can not be told what came of it: the item waits for another turn
   */
  async #act(job: JobRecord, { _id, seen }: ItemRecord): Promise<boolean> {
    const services = this.#services;
    const { action, reason, by, role, startedBy = { id: by, role }, confirmed = {} } = job;
    try {
      const acted = await takeAction(services, {
        action,
        seen,
        reason,
        commandKey: `bulk:${_id}`,
        by: startedBy,
        jobId: job._id,
        // The process may have been paused since it read the job, and another one may run the job by now. So the
        // transaction asks again.
        isWanted: (send) => services.jobs.keep(job._id, this.#id, this.#options.leaseMs, send),
        given: await givenResponseFor(services, { action, text: job.error }, seen.id),
        ...confirmed,
      });
      if (acted.done) await services.jobs.items.conclude(_id, 'done', null);
      else await services.jobs.items.conclude(_id, 'refused', refusalSentence(acted.refusal));
      return true;
    } catch (error) {
      // The job is not ours any more: the next look at it finds that, too.
      if (error instanceof Withdrawn) return true;
      if (!(error instanceof UnusableResponse)) return false;
      await services.jobs.items.conclude(_id, 'refused', error.message);
      return true;
    }
  }
}
