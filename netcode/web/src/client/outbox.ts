// What the client must not lose: samples and commands stay here until the server has answered them, and go out again on the next
// connection. And the other way round, reliable messages are handed on once each.

import { type Controls, type GameMessage, MAX_COMMAND, MAX_SAMPLES, type SampleData } from './messages.js';

/** Unanswered samples; at this many no more are made (the server answers each within 250 ms, so it is not listening). */
export const MAX_PENDING_SAMPLES = 128;
/** Unanswered commands; the next one is refused. */
export const MAX_PENDING_COMMANDS = 64;

/** Where a sample belongs in time. */
export interface Moment {
  tick: number;
  shown: number;
  frac: number;
}

/** Samples by number, from 1 without gaps. */
export class Samples {
  /** Samples that were not made since too many were unanswered. */
  dropped = 0;
  private pending: SampleData[] = [];
  private next = 1;
  private sent = 0;

  /** Adds the controls of a moment; undefined when too many samples are unanswered. */
  add(c: Controls, at: Moment): SampleData | undefined {
    if (this.pending.length >= MAX_PENDING_SAMPLES) {
      this.dropped++;
      return undefined;
    }
    const s = { seq: this.next++, ...at, axes: c.axes?.slice(0, 4) ?? [], buttons: c.buttons ?? 0 };
    this.pending.push(s);
    return s;
  }

  /** The server has answered all samples up to this one. */
  answered(seq: number): void {
    while (this.pending.length > 0 && this.pending[0]!.seq <= seq) this.pending.shift();
    if (this.next <= seq) this.next = seq + 1;
    if (this.sent < seq) this.sent = seq;
  }

  /** A new connection begins: everything unanswered goes out again, numbered on from what the server has. */
  restart(answered: number): void {
    this.answered(answered);
    this.sent = answered;
    // A client that lost its memory goes on where its predecessor stopped; numbers have no gaps.
    if (this.pending.length === 0) this.next = answered + 1;
  }

  /** Takes the next batch to send, at most MAX_SAMPLES, ascending; empty when all are out. */
  take(): SampleData[] {
    const batch = this.pending.filter((s) => s.seq > this.sent).slice(0, MAX_SAMPLES);
    if (batch.length > 0) this.sent = batch[batch.length - 1]!.seq;
    return batch;
  }

  /** How many are not answered yet. */
  get unanswered(): number {
    return this.pending.length;
  }

  /** Number of the last sample made. */
  get last(): number {
    return this.next - 1;
  }
}

/** Commands by number, from 1 without gaps. */
export class Commands {
  private pending: { number: number; data: Uint8Array }[] = [];
  private next = 1;
  private sent = 0;

  /** Adds a command and returns its number, or 0 when too many are unanswered. Throws when it is too long. */
  add(data: Uint8Array): number {
    if (data.length > MAX_COMMAND) throw new RangeError(`a command has at most ${MAX_COMMAND} bytes`);
    if (this.pending.length >= MAX_PENDING_COMMANDS) return 0;
    const number = this.next++;
    this.pending.push({ number, data: data.slice() });
    return number;
  }

  /** The server has applied all commands up to this one. */
  answered(number: number): void {
    while (this.pending.length > 0 && this.pending[0]!.number <= number) this.pending.shift();
    if (this.next <= number) this.next = number + 1;
    if (this.sent < number) this.sent = number;
  }

  /** A new connection begins. A first connection to a kept seat numbers on: what was queued before is renumbered. */
  restart(answered: number, first: boolean): void {
    if (first) {
      this.pending = this.pending.map((c, i) => ({ number: answered + 1 + i, data: c.data }));
      this.next = answered + 1 + this.pending.length;
    }
    this.answered(answered);
    this.sent = answered;
  }

  /** Takes the next command to send. */
  take(): { number: number; data: Uint8Array } | undefined {
    const c = this.pending.find((x) => x.number > this.sent);
    if (c) this.sent = c.number;
    return c;
  }

  /** How many are not answered yet. */
  get unanswered(): number {
    return this.pending.length;
  }
}

/** Reliable messages: each is handed on once, in order. */
export class Inbox {
  /** Number of the last message handed on. */
  last = 0;
  /** Messages that came a second time, and those that never came (the server's store for an absent player is bounded). */
  duplicates = 0;
  missed = 0;

  /** Whether a message is the next one; it counts as handed on then. */
  accept(m: GameMessage): boolean {
    if (m.number <= this.last) {
      this.duplicates++;
      return false;
    }
    if (this.last > 0) this.missed += m.number - this.last - 1;
    this.last = m.number;
    return true;
  }
}
