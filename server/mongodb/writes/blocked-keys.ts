import type { Sending } from './sending.ts';

const REMEMBERED_MS = 10_000;
const REMEMBERED_KEYS = 1_000;

interface Line {
  head: Sending | undefined;
  waiting: Sending[];
  since: number;
  silences: number;
}

/**
 * Keys whose writes got no answer: somebody else's transaction may hold the record, or a connection may be dead. The writes
 * of such a key stand in line. One of them is on its way, alone in its command, so that the key costs one command at a time
 * and holds up no other key.
 */
export class BlockedKeys {
  readonly #lines = new Map<string, Line>();

  /** Puts a write in the line of its key. False: another write of the key is on its way. */
  block(sending: Sending, now: number): boolean {
    const { id } = sending.write;
    let line = this.#lines.get(id);
    if (!line) {
      if (this.#lines.size >= REMEMBERED_KEYS) this.#forget(now);
      line = { head: undefined, waiting: [], since: now, silences: 0 };
      this.#lines.set(id, line);
    }
    line.since = now;
    return join(line, sending);
  }

  /** Tells how a new write is sent: `free` may share a command, `alone` is sent now by itself, `waits` is kept here. */
  admit(sending: Sending, now: number): 'free' | 'alone' | 'waits' {
    if (this.#lines.size === 0) return 'free';
    const line = this.#lines.get(sending.write.id);
    if (!line) return 'free';
    if (!line.head && now - line.since > REMEMBERED_MS) {
      this.#lines.delete(sending.write.id);
      return 'free';
    }
    return join(line, sending) ? 'alone' : 'waits';
  }

  isHead(sending: Sending): boolean {
    return this.#lines.get(sending.write.id)?.head === sending;
  }

  /** A command that carried a write of this key, and nothing else, got no answer at all. */
  addSilence(id: string): void {
    const line = this.#lines.get(id);
    if (line) line.silences++;
  }

  /** Counts the commands in a row that got no answer at all about this key. */
  silencesOf(id: string): number {
    return this.#lines.get(id)?.silences ?? 0;
  }

  /** Forgets that a key is blocked, because the server answered about it. @returns the writes that waited, now to be sent */
  open(id: string): readonly Sending[] {
    const line = this.#lines.get(id);
    if (!line) return [];
    this.#lines.delete(id);
    return line.waiting;
  }

  /** Takes a write whose time is over out of its line. @returns the next write of the key, now to be sent */
  leave(sending: Sending): Sending | undefined {
    const line = this.#lines.get(sending.write.id);
    if (line?.head !== sending) return undefined;
    line.head = line.waiting.find(({ done }) => !done);
    line.waiting = line.waiting.filter((one) => one !== line.head && !one.done);
    return line.head;
  }

  #forget(now: number): void {
    for (const [id, line] of this.#lines) {
      if (!line.head && now - line.since > REMEMBERED_MS) this.#lines.delete(id);
    }
  }
}

function join(line: Line, sending: Sending): boolean {
  if (line.head === sending) return true;
  if (line.head) {
    line.waiting.push(sending);
    return false;
  }
  line.head = sending;
  return true;
}
