import type { PendingWrite } from './pending-write.ts';

const REMEMBERED_MS = 10_000;
const REMEMBERED_KEYS = 1_000;

/** The writes of one blocked key. */
interface Line {
  /** This write is the only one of the key that is sent. */
  head: PendingWrite | undefined;
  waiting: PendingWrite[];
  since: number;
  timeouts: number;
}

/**
 * Keys whose writes got no answer: somebody else's transaction may hold the record, or a connection may be dead. The writes
 * of such a key stand in line. One of them is on its way, alone in its command, so that the key costs one command at a time
 * and holds up no other key. Times are those of `performance.now()`.
 */
export class BlockedKeys {
  readonly #lines = new Map<string, Line>();

  /** Puts a write in the line of its key. False: another write of the key is on its way. */
  block(pending: PendingWrite, now: number): boolean {
    const { id } = pending.write;
    let line = this.#lines.get(id);
    if (!line) {
      if (this.#lines.size >= REMEMBERED_KEYS) this.#forgetOld(now);
      line = { head: undefined, waiting: [], since: now, timeouts: 0 };
      this.#lines.set(id, line);
    }
    line.since = now;
    return join(line, pending);
  }

  /** Tells how a new write is sent: `free` may share a command, `alone` is sent now by itself, `waits` is kept here. */
  admit(pending: PendingWrite, now: number): 'free' | 'alone' | 'waits' {
    if (this.#lines.size === 0) return 'free';
    const line = this.#lines.get(pending.write.id);
    if (!line) return 'free';
    if (!line.head && now - line.since > REMEMBERED_MS) {
      this.#lines.delete(pending.write.id);
      return 'free';
    }
    return join(line, pending) ? 'alone' : 'waits';
  }

  isHead(pending: PendingWrite): boolean {
    return this.#lines.get(pending.write.id)?.head === pending;
  }

  /** Notes that a command got no answer at all. It carried a write of this key, and nothing else. */
  addTimeout(id: string): void {
    const line = this.#lines.get(id);
    if (line) line.timeouts++;
  }

  /** Counts the commands that got no answer at all about this key since the server last answered about it. */
  timeoutsOf(id: string): number {
    return this.#lines.get(id)?.timeouts ?? 0;
  }

  /**
   * Forgets that a key is blocked, because the server answered about this write of it. While another write of the key is on its
   * way alone, the others go on waiting for that one: its command may have met a lock that came after the answer.
   * @returns the writes that waited, now to be sent
   */
  unblock(answered: PendingWrite): readonly PendingWrite[] {
    const { id } = answered.write;
    const line = this.#lines.get(id);
    if (!line) return [];
    line.timeouts = 0;
    if (line.head && line.head !== answered && !line.head.isDone) return [];
    this.#lines.delete(id);
    return line.waiting;
  }

  /** Takes a write whose time is over out of its line. @returns the next write of the key, now to be sent */
  startNext(late: PendingWrite): PendingWrite | undefined {
    const line = this.#lines.get(late.write.id);
    if (line?.head !== late) return undefined;
    line.head = line.waiting.find(({ isDone }) => !isDone);
    line.waiting = line.waiting.filter((one) => one !== line.head && !one.isDone);
    return line.head;
  }

  #forgetOld(now: number): void {
    for (const [id, line] of this.#lines) {
      if (!line.head && now - line.since > REMEMBERED_MS) this.#lines.delete(id);
    }
  }
}

function join(line: Line, pending: PendingWrite): boolean {
  if (line.head === pending) return true;
  if (line.head) {
    line.waiting.push(pending);
    return false;
  }
  line.head = pending;
  return true;
}
