// Rows between two state frames: linear fields (and others the game names) move smoothly from one to the next, the rest step.

import type { Row, Rows } from './channel.js';
import { type Field, toDiff } from './kinds.js';
import type { Entity, View } from './view.js';

/** Snapshots kept; at 30 frames a second about a second, more than the longest delay. */
const KEEP = 32;
/** State frames for which a row goes on along its last displacement when no newer frame came. */
const EXTRAPOLATE = 3;

interface Snapshot {
  tick: number;
  /** By channel. */
  channels: Map<number, Rows>;
}

/** Keeps the last states and gives the one in between. */
export class Smoother {
  private snaps: Snapshot[] = [];
  private readonly extra = new Map<string, Set<string>>();

  /** Ticks per state frame. */
  constructor(private readonly every: number) {}

  /** Also smooths a field that is not linear, an angle for instance. Fields that wrap take the short way round. */
  also(kind: string, ...fields: string[]): void {
    const set = this.extra.get(kind) ?? new Set();
    fields.forEach((f) => set.add(f));
    this.extra.set(kind, set);
  }

  /** Takes the state that a frame just completed. */
  push(v: View): void {
    const newest = this.snaps[this.snaps.length - 1];
    if (newest && newest.tick >= v.tick) this.snaps = []; // the match began anew
    const channels = new Map<number, Rows>();
    for (const c of v.parts) channels.set(c.number, c.rows);
    this.snaps.push({ tick: v.tick, channels });
    if (this.snaps.length > KEEP) this.snaps.shift();
  }

  /** Rows of a kind at a moment (ticks with fraction), ascending by id. */
  each(kind: string, at: number): Entity[] {
    const found: Entity[] = [];
    const [a, b, t] = this.around(at);
    if (!a) return found;
    for (const [channel, rows] of a.channels) {
      const next = b?.channels.get(channel);
      for (const r of rows.values()) {
        if (r.kind.name !== kind) continue;
        found.push(this.blend(r, next?.get(r.id), t, b ? (b.tick - a.tick) / this.every : 0));
      }
    }
    return found.sort((x, y) => x.id - y.id);
  }

  /** State tick on screen at a moment, and how far towards the next frame in 1/256: what a sample reports. */
  shown(at: number): { shown: number; frac: number } {
    const [a, b, t] = this.around(at);
    return { shown: a?.tick ?? 0, frac: b ? Math.min(255, Math.floor(t * 256)) : 0 };
  }

  /** Forgets everything. */
  clear(): void {
    this.snaps = [];
  }

  /** The snapshots around a moment and the way between them; past the newest: frames since it instead, without a second. */
  private around(at: number): [Snapshot | undefined, Snapshot | undefined, number] {
    const s = this.snaps;
    if (s.length === 0) return [undefined, undefined, 0];
    if (at <= s[0]!.tick) return [s[0], s[1], 0];
    for (let i = s.length - 1; i >= 0; i--) {
      const a = s[i]!;
      if (a.tick > at) continue;
      const b = s[i + 1];
      if (b) return [a, b, (at - a.tick) / (b.tick - a.tick)];
      return [a, undefined, Math.min(EXTRAPOLATE, (at - a.tick) / this.every)];
    }
    return [s[0], undefined, 0];
  }

  private blend(a: Row, b: Row | undefined, t: number, frames: number): Entity {
    const e: Record<string, number> = {};
    const extra = this.extra.get(a.kind.name);
    const same = b !== undefined && b.kind === a.kind && b.born === a.born;
    let l = 0;
    a.kind.fields.forEach((f, i) => {
      let v = a.values[i]!;
      if (same && (f.linear || extra?.has(f.name))) v = between(f, v, b.values[i]!, t, frames);
      else if (!b && frames === 0 && f.linear) v += a.moved[l]! * t;
      if (f.linear) l++;
      e[f.name] = v;
    });
    e['id'] = a.id;
    return e as unknown as Entity;
  }
}

function between(f: Field, from: number, to: number, t: number, frames: number): number {
  const d = toDiff(f, to - from);
  if (f.jump !== 0 && Math.abs(d) > f.jump * Math.max(1, frames)) return t < 1 ? from : to; // a teleport
  return from + d * t;
}
