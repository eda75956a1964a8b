// The state of a match as one client has it: every channel that he receives, kept in step by state frames.

import type { ServerMessage } from '../../../../schema/ts/wire.js';
import { Channel, FrameError, type Row } from './channel.js';
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
  | 'mismatch' // applied, but the view hash differs: ask for a keyframe
  | 'ignored'; // waiting for a keyframe, this is none

export class View {
  /** Epoch of the last keyframe. */
  epoch = 0;
  /** Comparisons of the view hash, and those that failed. */
  checks = 0;
  mismatches = 0;
  private channels = new Map<number, Channel>();

  constructor(
    readonly kinds: readonly Kind[],
    /** Ticks per state frame. */
    private readonly every: number,
  ) {}

  /** Tick of the last complete state; 0 before the first. */
  get tick(): number {
    return this.channels.get(ALL)?.tick ?? 0;
  }

  /** View hash of channel All. */
  get hash(): number {
    return this.channels.get(ALL)?.hash() ?? 0;
  }

  /** Whether the state can be gone on from: false until the first keyframe, and after a frame that did not fit or match. */
  get whole(): boolean {
    return this.channels.get(ALL)?.broken === false;
  }

  /**
   * Applies a state frame. After one that does not fit (FrameError) or does not match, its channel, with All every channel, takes
   * nothing but a keyframe.
   */
  apply(m: ServerMessage): Applied {
    const number = m.channel();
    let c = this.channels.get(number);
    if (!m.keyframe() && (!c || c.broken)) return 'ignored';
    if (!c) {
      c = new Channel(number, this.kinds);
      this.channels.set(number, c);
    }
    try {
      const k = this.place(m, c);
      c.apply(m, k);
      if (number === ALL) this.settle(m, k, c.tick);
    } catch (err) {
      this.breakOff(c);
      throw err instanceof FrameError ? err : new FrameError(String(err));
    }
    if (!this.matches(m, c)) {
      this.breakOff(c);
      return 'mismatch';
    }
    return number === ALL ? 'tick' : 'part';
  }

  /** Sets a channel's tick to that of a frame and returns how many state frames that is after what the channel holds. */
  private place(m: ServerMessage, c: Channel): number {
    const base = m.base();
    if (base === 1) throw new FrameError('base 1');
    const k = base || 1;
    const tick = this.tickOf(m);
    if (!m.keyframe() && tick !== c.tick + k * this.every) {
      throw new FrameError(`frame of tick ${tick} has base ${tick - k * this.every}, have ${c.tick}`);
    }
    c.tick = tick;
    c.fresh = m.keyframe();
    return k;
  }

  /** Brings the other channels to the tick of the frame of All that just arrived. */
  private settle(m: ServerMessage, k: number, tick: number): void {
    if (m.keyframe()) this.epoch = m.epoch();
    for (const [number, c] of this.channels) {
      if (number === ALL) continue;
      if (m.keyframe()) {
        if (!c.fresh || c.tick !== tick) this.channels.delete(number);
      } else if (!c.broken && c.tick === tick - k * this.every) {
        c.advance(k);
        c.tick = tick;
      } else if (c.tick !== tick) {
        c.broken = true; // it missed something
      }
      c.fresh = false;
    }
  }

  private breakOff(c: Channel): void {
    c.broken = true;
    if (c.number !== ALL) return;
    for (const x of this.channels.values()) x.broken = true;
  }

  /** The whole tick of a frame: from the frame itself, or its low half next to the last one. */
  private tickOf(m: ServerMessage): number {
    const full = m.tick();
    const head = m.head();
    if (full !== 0) return full;
    if (!head) throw new FrameError('a frame without a tick');
    const d = ((head.tick() - this.tick) << 16) >> 16;
    return (this.tick + d) >>> 0;
  }

  protected matches(m: ServerMessage, c: Channel): boolean {
    const head = m.head();
    this.checks++;
    const have = c.hash();
    const full = m.keyframe() || m.tick() !== 0;
    if ((!head || (have & 0xffff) === head.hash()) && (!full || have === m.hash())) return true;
    this.mismatches++;
    return false;
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
