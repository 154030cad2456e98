import type {
  Answered,
  Effect,
  KeyHistory,
  Receipt,
  Rules,
  Sent,
  Told,
  Written,
} from '../history/history.ts';
import type { AppMessage } from './app-worker.ts';
import type { AttemptMessage } from './client-worker.ts';
import type { Disturbances } from './disturbances.ts';
import type { Mode } from './order.ts';
import { receiptIn } from './receipt.ts';
import type { RecordChange } from './record-stream.ts';

export interface RecordedKey {
  readonly scope: string;
  readonly key: string;
  readonly mode: Mode;
  /** The last time that anything was heard of it. */
  heardAt: number;
  readonly sent: Sent[];
  /** `ran` is filled in later: what an app says of its run may come after what the client says. */
  readonly answers: (Omit<Answered, 'ran'> & { readonly attempt: string; readonly replayed: boolean })[];
  readonly effects: Effect[];
  readonly told: Told[];
  readonly written: Written[];
  readonly hanging: Sent[];
}

const idOf = ({ scope, key }: { readonly scope: string; readonly key: string }) => `${scope}\n${key}`;

/** `Recorder` puts together what clients, apps, provider and database say, by key. */
export class Recorder {
  readonly #keys = new Map<string, Omit<RecordedKey, 'mode'> & { mode?: Mode }>();
  /** The fencing token of the run that an attempt made, by attempt and key. */
  readonly #ran = new Map<string, number>();
  readonly #apps = new Map<string, string>();
  readonly #disturbances: Disturbances;
  readonly #leaseMs: number;
  /** From this time on the servers' clocks are not true. */
  clocksSetAt = Number.POSITIVE_INFINITY;

  constructor(disturbances: Disturbances, leaseMs: number) {
    this.#disturbances = disturbances;
    this.#leaseMs = leaseMs;
  }

  /** Keys that clients have sent. Those of which nothing was heard since a time, where one is given. */
  keys(quietSince = Number.POSITIVE_INFINITY): RecordedKey[] {
    return [...this.#keys.values()].filter(
      (one): one is RecordedKey => one.mode !== undefined && one.heardAt <= quietSince,
    );
  }

  attempt({ mode, app, sentAt, at, isFinal, items, end, replayed, attempt }: AttemptMessage): void {
    for (const { scope, key, amount, receipt, text, error } of items) {
      const one = this.#of({ scope, key }, at);
      one.mode = mode;
      const sent = { at: sentAt, amount, to: app };
      one.sent.push(sent);
      if (end === 'hangs') one.hanging.push(sent);
      if (!receipt && error === undefined) continue;
      one.answers.push({
        ...{ at, amount, from: app, isFinal, attempt, replayed },
        ...(receipt && { receipt }),
        ...(text !== undefined && { text }),
        ...(error !== undefined && { error }),
      });
    }
  }

  app(name: string, pid: number, message: AppMessage): void {
    this.#apps.set(String(pid), name);
    if ('ran' in message) this.#ran.set(`${message.ran}\n${message.key}`, message.fence);
    else if ('stalled' in message)
      this.#disturbances.add({ kind: 'app stalled', app: name, from: message.stalled, until: message.until });
    else if ('told' in message) {
      const { told: type, at, scope, key, fence, reason } = message;
      this.#of({ scope, key }, at).told.push({
        ...{ at, type, by: name },
        ...(fence !== undefined && { fence }),
        ...(reason !== undefined && { reason }),
      });
    }
  }

  effect(effect: Effect): void {
    this.#of(effect, effect.at).effects.push(effect);
  }

  /** A row of the ledger is an effect, too. */
  booked({ receipt, at, by }: { readonly receipt: string; readonly at: number; readonly by: number }): void {
    this.effect({ ...(receiptIn(receipt) as Receipt), at, by: String(by) });
  }

  written({ scope, key, written }: RecordChange): void {
    this.#of({ scope, key }, written.at).written.push(written);
  }

  historyOf(recorded: RecordedKey): KeyHistory {
    const { mode, heardAt, scope, key, sent, answers, effects, told, written, hanging } = recorded;
    const rules: Rules = {
      mayRepeat: mode === 'rerun',
      isTransaction: mode === 'transaction',
      graceMs: heardAt > this.clocksSetAt ? this.#leaseMs : 0,
    };
    const byTime = <T extends { readonly at: number }>(list: readonly T[]) =>
      list.toSorted((one, other) => one.at - other.at);
    return {
      ...{ scope, key, rules, written, hanging, sent: byTime(sent), told: byTime(told) },
      answers: byTime(answers).map(({ attempt, replayed, ...answer }) => ({
        ...answer,
        ran: replayed ? undefined : this.#ran.get(`${attempt}\n${key}`),
      })),
      effects: byTime(effects).map((effect) => ({ ...effect, by: this.#apps.get(effect.by) ?? effect.by })),
      excuse: (answer) => this.#excuse(recorded, answer),
    };
  }

  #excuse({ written, told }: RecordedKey, { at }: Answered): string | undefined {
    // The stream may tell of a change after the client has told of the answer.
    const doubts = written.filter(
      ({ before, after }) => after?.state === 'in_doubt' && before?.state === 'running',
    );
    const doubt = doubts.findLast((one) => one.at <= at) ?? doubts[0];
    if (!doubt) return undefined;
    const fence = doubt.before?.fence;
    const claim = written.find(({ after }) => after?.state === 'running' && after.fence === fence);
    // The lease that lapsed was sent for before the run began.
    const started = told.find((event) => event.type === 'started' && event.fence === fence);
    return this.#disturbances.explain({
      app: started?.by,
      from: (started?.at ?? claim?.at ?? 0) - this.#leaseMs,
      until: doubt.at,
      leaseMs: this.#leaseMs,
    });
  }

  #of({ scope, key }: { readonly scope: string; readonly key: string }, at: number) {
    const id = idOf({ scope, key });
    const known = this.#keys.get(id);
    const one = known ?? {
      ...{ scope, key, heardAt: at, sent: [], answers: [], effects: [], told: [], written: [], hanging: [] },
    };
    if (!known) this.#keys.set(id, one);
    one.heardAt = Math.max(one.heardAt, at);
    return one;
  }
}
