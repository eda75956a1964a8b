// One channel's rows and how state frames change them: the receiving half of netcode/delta (see its doc.go, which this
// follows word by word). Pure: bytes in, rows out.

import type { ServerMessage } from '../../../../schema/ts/wire.js';
import { displacement, type Kind, toDiff, toRange } from './kinds.js';

/** A frame that cannot be applied to what the client has. */
export class FrameError extends Error {}

/** One row: what the game made public about one thing. Rows do not change: a frame makes new ones. */
export interface Row {
  readonly id: number;
  readonly kind: Kind;
  /** A value per field. */
  readonly values: Int32Array;
  /** The last displacement of each linear field. */
  readonly moved: Int32Array;
  /** The tick that brought the row. Tells it from a later one with the same id. */
  readonly born: number;
  /** The row's share of the view hash. */
  readonly hash: number;
}

/** Rows by id. */
export type Rows = ReadonlyMap<number, Row>;

/** No channel has more rows than this; a frame that says otherwise is broken. */
const MAX_ROWS = 1 << 16;

const EMPTY8 = new Uint8Array(0);
const EMPTYI8 = new Int8Array(0);
const EMPTY16 = new Int16Array(0);

/** Values of small that are no residuals: the residual is the next of wide, or the next two. */
const SHORT = -128;
const LONG = -127;

/** Reads the vectors of one frame front to back. */
export class Reader {
  private atRow = 0;
  private atSmall = 0;
  private atWide = 0;
  private last = 0;
  private seen = 0;
  private readonly rows: Uint8Array;
  private readonly small: Int8Array;
  private readonly wide: Int16Array;

  constructor(m: Pick<ServerMessage, 'rowsArray' | 'smallArray' | 'wideArray'>) {
    this.rows = m.rowsArray() ?? EMPTY8;
    this.small = m.smallArray() ?? EMPTYI8;
    this.wide = m.wideArray() ?? EMPTY16;
  }

  /** The next id, which is given as its gap from the last one, or undefined after the last. */
  id(): number | undefined {
    if (this.atRow === this.rows.length) return undefined;
    let gap = 0;
    let scale = 1;
    for (;;) {
      const x = this.rows[this.atRow++];
      if (x === undefined || scale > 2 ** 28) throw new FrameError('bad id gap');
      gap += (x & 0x7f) * scale;
      scale *= 128;
      if (x < 0x80) break;
    }
    const id = this.last + gap;
    if (id > 0xffffffff || (this.seen > 0 && gap === 0)) throw new FrameError('ids are not ascending');
    if (this.seen++ > 2 * MAX_ROWS) throw new FrameError('too many rows');
    this.last = id;
    return id;
  }

  /** The bits of the next mask start here; only their first byte is looked at before their number is known. */
  isNew(): boolean {
    const b = this.rows[this.atRow];
    if (b === undefined) throw new FrameError('rows end early');
    return (b & 1) !== 0;
  }

  /** Takes a mask of n bits and returns where it starts. */
  mask(n: number): number {
    const at = this.atRow;
    this.atRow += (n + 7) >> 3;
    if (this.atRow > this.rows.length) throw new FrameError('rows end early');
    if (n % 8 !== 0 && this.rows[this.atRow - 1]! >> n % 8 !== 0) throw new FrameError('a mask has bits left over');
    return at;
  }

  bit(at: number, i: number): boolean {
    return ((this.rows[at + (i >> 3)]! >> (i & 7)) & 1) !== 0;
  }

  /** Whether the mask that starts there, the last one taken, has no bit set. */
  none(at: number): boolean {
    for (let i = at; i < this.atRow; i++) if (this.rows[i] !== 0) return false;
    return true;
  }

  residual(): number {
    const v = this.small[this.atSmall++];
    if (v === undefined) throw new FrameError('residuals end early');
    if (v === SHORT) return this.short();
    if (v !== LONG) return v;
    const low = this.short() & 0xffff;
    return (this.short() << 16) | low;
  }

  private short(): number {
    const v = this.wide[this.atWide++];
    if (v === undefined) throw new FrameError('wide residuals end early');
    return v;
  }

  /** All vectors must have been used up. */
  end(): void {
    if (this.atRow !== this.rows.length || this.atSmall !== this.small.length || this.atWide !== this.wide.length) {
      throw new FrameError('bytes left over');
    }
  }
}

/** The rows of one channel. */
export class Channel {
  rows: Rows = new Map();
  /** Tick of the rows. */
  tick = 0;
  /** Takes nothing but a keyframe; so it begins. */
  broken = true;
  /** Holds a keyframe that no frame of All has followed yet. */
  fresh = false;

  constructor(readonly number: number) {}
}

/**
 * Decodes the rows after a state frame of a tick from those before it, which it is k state frames after (any k if it is a keyframe).
 * Throws FrameError when it does not fit.
 */
export function decode(before: Rows, m: ServerMessage, k: number, tick: number, kinds: readonly Kind[]): Map<number, Row> {
  const keyframe = m.keyframe();
  const base: Rows = keyframe ? new Map() : before;
  const coded = keyframe || k > 1;
  const r = new Reader(m);
  const changed = new Map<number, Row | undefined>(); // undefined: gone
  for (let id = r.id(); id !== undefined; id = r.id()) {
    const old = base.get(id);
    if (r.isNew()) changed.set(id, create(id, r, kinds, coded, before, tick, keyframe));
    else if (old) changed.set(id, change(old, r, k, coded));
    else throw new FrameError(`row ${id} is changed but unknown`);
  }
  r.end();
  const rows = advance(base, k, changed);
  for (const [id, row] of changed) {
    if (row) rows.set(id, row);
    else rows.delete(id);
  }
  if (rows.size > MAX_ROWS) throw new FrameError('too many rows');
  return rows;
}

/** The rows as they are predicted k state frames later; those in except are left as they are. */
export function advance(rows: Rows, k: number, except?: ReadonlyMap<number, unknown>): Map<number, Row> {
  const after = new Map<number, Row>();
  for (const row of rows.values()) {
    after.set(row.id, except?.has(row.id) || row.moved.every((d) => d === 0) ? row : predict(row, k));
  }
  return after;
}

/** View hash of rows: equal to what the server has written down of this client's rows, or a frame went wrong. A slow client's may be nobody else's. */
export function viewHash(rows: Rows): number {
  let sum = 0;
  for (const row of rows.values()) sum = (sum + row.hash) | 0;
  return sum >>> 0;
}

function predict(row: Row, k: number): Row {
  const { kind, moved } = row;
  const values = row.values.slice();
  kind.linear.forEach((i, l) => {
    values[i] = toRange(kind.fields[i]!, values[i]! + Math.imul(k, moved[l]!));
  });
  return { ...row, values, hash: rowHash(row.id, kind, values, moved) };
}

function create(
  id: number, r: Reader, kinds: readonly Kind[], coded: boolean, before: Rows, tick: number, keyframe: boolean,
): Row {
  const kind = kinds[r.residual()];
  if (!kind) throw new FrameError('unknown kind');
  const { fields, linear } = kind;
  const at = r.mask(1 + fields.length + (coded ? linear.length : 0));
  const values = new Int32Array(fields.length);
  const moved = new Int32Array(linear.length);
  for (let i = 0; i < fields.length; i++) {
    if (r.bit(at, 1 + i)) values[i] = toRange(fields[i]!, r.residual());
  }
  for (let l = 0; coded && l < linear.length; l++) {
    if (r.bit(at, 1 + fields.length + l)) moved[l] = toDiff(fields[linear[l]!]!, r.residual());
  }
  const same = keyframe ? before.get(id) : undefined; // a keyframe repeats rows that were there all along
  const born = same?.kind === kind ? same.born : tick;
  return { id, kind, values, moved, born, hash: rowHash(id, kind, values, moved) };
}

/** The row after its change; undefined if it is gone. */
function change(row: Row, r: Reader, k: number, coded: boolean): Row | undefined {
  const { id, kind, born } = row;
  const { fields, linear } = kind;
  const at = r.mask(1 + fields.length + (coded ? linear.length : 0));
  if (r.none(at)) return undefined;
  const values = row.values.slice();
  const moved = row.moved.slice();
  for (let i = 0, l = 0; i < fields.length; i++) {
    const f = fields[i]!;
    const old = values[i]!;
    let v = f.linear ? old + Math.imul(k, moved[l]!) : old;
    if (r.bit(at, 1 + i)) v = (v | 0) + r.residual();
    v = toRange(f, v);
    values[i] = v;
    if (!f.linear) continue;
    if (!coded) moved[l] = displacement(f, old, v);
    l++;
  }
  for (let l = 0; coded && l < linear.length; l++) {
    if (r.bit(at, 1 + fields.length + l)) moved[l] = toDiff(fields[linear[l]!]!, moved[l]! + r.residual());
  }
  return { id, kind, values, moved, born, hash: rowHash(id, kind, values, moved) };
}

/** One row's share of the view hash; the mix is the "lowbias32" of C. Wellons, "Prospecting for Hash Functions", 2018. */
export function rowHash(id: number, kind: Kind, values: Int32Array, moved: Int32Array): number {
  let h = mix((Math.imul(id, 0x9e3779b1) + kind.number) | 0);
  for (const v of values) h = step(h, v);
  for (const d of moved) h = step(h, d);
  return mix(h);
}

function step(h: number, v: number): number {
  h = Math.imul(h ^ v, 0x7feb352d);
  return h ^ (h >>> 15);
}

function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return h ^ (h >>> 16);
}
