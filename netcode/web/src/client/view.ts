// The state of a match as one client has it: every channel that he receives, kept in step by state frames.

import type { ServerMessage } from '../../../../schema/ts/wire.js';
import { advance, Channel, decode, FrameError, type Row, type Rows, viewHash } from './channel.js';
import type { Kind } from './kinds.js';

/** A row as a game sees it: its id and its fields by name. */
export interface Entity {
  readonly id: number;
  readonly [field: string]: number;
}

const ALL = 0;
const OWN = 0x80000000;
const TEAM = 0x40000000;

/** What came of a frame. */
export type Applied =
  | 'part' // a channel other than All: the tick is not complete yet
  | 'tick' // All: the state is that of the tick
  | 'mismatch' // its tick or view hash differs, so it was not applied: ask for a keyframe
  | 'ignored'; // waiting for a keyframe, this is none

export class View {
  /** Epoch of the last keyframe. */
  epoch = 0;
  /** Comparisons of the view hash, and those that failed. */
  checks = 0;
  mismatches = 0;
  private channels = new Map<number, Channel>();
  /** No frame of All has come on the new connection. */
  private resuming = false;

  constructor(
    readonly kinds: readonly Kind[],
    /** Ticks per state frame. */
    private readonly every: number,
  ) {}

  /** Tick of the last complete state; 0 before the first. */
  get tick(): number {
    return this.channels.get(ALL)?.tick ?? 0;
  }

  /** View hash of channel All: of the rows that are here. A slow client may be sent some rows only, and then shares it with nobody. */
  get hash(): number {
    const c = this.channels.get(ALL);
    return c ? viewHash(c.rows) : 0;
  }

  /** Whether the state can be gone on from: false until the first keyframe, and after a frame that did not fit or match. */
  get whole(): boolean {
    return this.channels.get(ALL)?.broken === false;
  }

  /**
   * Applies a state frame. One that does not fit (FrameError) or does not match changes nothing, but its channel, with All every
   * channel, then takes nothing but a keyframe.
   */
  apply(m: ServerMessage): Applied {
    const number = m.channel();
    const c = this.channels.get(number) ?? new Channel(number);
    if (!m.keyframe() && c.broken) return 'ignored';
    try {
      const k = this.steps(m);
      const tick = this.tickOf(m, c, k);
      const rows = decode(c.rows, m, k, tick, this.kinds);
      if (!this.matches(m, tick, viewHash(rows))) {
        this.breakOff(c);
        return 'mismatch';
      }
      this.accept(m, c, rows, tick);
      if (number === ALL) this.settle(m, k, tick);
    } catch (err) {
      this.breakOff(c);
      throw err instanceof FrameError ? err : new FrameError(String(err));
    }
    return number === ALL ? 'tick' : 'part';
  }

  private steps(m: ServerMessage): number {
    const base = m.base();
    if (base === 1 || (base !== 0 && m.keyframe())) throw new FrameError(`base ${base}`);
    return base || 1;
  }

  /** The tick of a frame; that of a delta follows from what the channel holds, and must be what the frame says if it does. */
  private tickOf(m: ServerMessage, c: Channel, k: number): number {
    if (!m.head()) throw new FrameError('no head');
    const tick = m.keyframe() ? m.tick() : (c.tick + k * this.every) >>> 0;
    if (m.tick() !== 0 && m.tick() !== tick) {
      throw new FrameError(`a frame without its base: ${k} after tick ${c.tick} is not ${m.tick()}`);
    }
    return tick;
  }

  private accept(m: ServerMessage, c: Channel, rows: Rows, tick: number): void {
    this.channels.set(c.number, c);
    c.rows = rows;
    c.tick = tick;
    c.broken = false;
    c.fresh = m.keyframe();
  }

  /** Brings the other channels to the tick of the frame of All that just arrived. */
  private settle(m: ServerMessage, k: number, tick: number): void {
    if (m.keyframe()) this.epoch = m.epoch();
    for (const [number, c] of this.channels) {
      if (number === ALL) continue;
      if (m.keyframe() || this.resuming) {
        if (!c.fresh || c.tick !== tick) this.channels.delete(number);
      } else if (!c.broken && c.tick === tick - k * this.every) {
        c.rows = advance(c.rows, k);
        c.tick = tick;
      } else if (c.tick !== tick) {
        c.broken = true; // it missed something
      }
      c.fresh = false;
    }
    this.resuming = false;
  }

  /**
   * A new connection goes on from here: a channel that does not begin anew before its first frame of All is not the player's any
   * more.
   */
  resumed(): void {
    this.resuming = true;
  }

  /** Forgets everything: the next frames must be keyframes. */
  reset(): void {
    this.channels.clear();
  }

  private breakOff(c: Channel): void {
    c.broken = true;
    if (c.number !== ALL) return;
    for (const x of this.channels.values()) x.broken = true;
  }

  protected matches(m: ServerMessage, tick: number, hash: number): boolean {
    this.checks++;
    const full = m.keyframe() || m.tick() !== 0;
    if (((tick ^ hash) & 0xffff) === m.head()!.check() && (!full || hash === m.hash())) return true;
    this.mismatches++;
    return false;
  }

  /** The channels and what they hold. */
  get parts(): Iterable<Readonly<Channel>> {
    return this.channels.values();
  }

  /** Every row of every channel. */
  *rows(): Generator<{ channel: number; row: Row }> {
    for (const c of this.channels.values()) {
      for (const row of c.rows.values()) yield { channel: c.number, row };
    }
  }

  /** The rows of a kind in ascending order of id; a row is seen once per channel that has it. */
  each(kind: string): Entity[] {
    const found: Entity[] = [];
    for (const { row } of this.rows()) {
      if (row.kind.name === kind) found.push(entity(row));
    }
    return found.sort((a, b) => a.id - b.id);
  }

  /** One row by kind, or undefined. Without an id: the one with the lowest, for kinds with a single row. */
  one(kind: string, id?: number): Entity | undefined {
    let best: Row | undefined;
    for (const { row } of this.rows()) {
      if (row.kind.name !== kind) continue;
      if (id === undefined ? !best || row.id < best.id : row.id === id) best = row;
    }
    return best && entity(best);
  }
}

function entity(row: Row): Entity {
  const e: Record<string, number> = { id: row.id };
  row.kind.fields.forEach((f, i) => (e[f.name] = row.values[i]!));
  e['id'] = row.id;
  return e as unknown as Entity;
}

/** Which sort a channel is. */
export function channelSort(number: number): 'all' | 'own' | 'team' {
  if ((number & OWN) !== 0) return 'own';
  return (number & TEAM) !== 0 ? 'team' : 'all';
}
