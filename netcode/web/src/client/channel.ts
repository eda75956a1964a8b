// One channel's rows and how state frames change them: the receiving half of netcode/delta (see its doc.go, which this
// follows word by word). Pure: bytes in, rows out.

import type { ServerMessage } from '../../../../schema/ts/wire.js';
import { displacement, type Kind, toDiff, toRange } from './kinds.js';

/** A frame that cannot be applied to what the client has. */
export class FrameError extends Error {}

/** One row: what the game made public about one thing. */
export interface Row {
  readonly id: number;
  readonly kind: Kind;
  /** A value per field. */
  readonly values: Int32Array;
  /** The last displacement of each linear field. */
  readonly moved: Int32Array;
  /** Counts the frames of the channel; the frame that brought the row. Tells a row from a later one with the same id. */
  readonly born: number;
  /** The frame that last mentioned it. */
  seen: number;
}

/** No channel has more rows than this; a frame that says otherwise is broken. */
const MAX_ROWS = 1 << 16;

const EMPTY8 = new Uint8Array(0);
const EMPTYI8 = new Int8Array(0);
const EMPTY16 = new Int16Array(0);
const EMPTY32 = new Int32Array(0);

/** Reads the vectors of one frame front to back. */
class Reader {
  private atMask = 0;
  private atSmall = 0;
  private atWide = 0;
  private atWider = 0;
  private readonly masks: Uint8Array;
  private readonly small: Int8Array;
  private readonly wide: Int16Array;
  private readonly wider: Int32Array;

  constructor(m: ServerMessage) {
    this.masks = m.masksArray() ?? EMPTY8;
    this.small = m.smallArray() ?? EMPTYI8;
    this.wide = m.wideArray() ?? EMPTY16;
    this.wider = m.widerArray() ?? EMPTY32;
  }

  /** The bits of the next mask start here; only their first byte is looked at before their number is known. */
  isNew(): boolean {
    const b = this.masks[this.atMask];
    if (b === undefined) throw new FrameError('masks end early');
    return (b & 1) !== 0;
  }

  /** Takes a mask of n bits and returns where it starts. */
  mask(n: number): number {
    const at = this.atMask;
    this.atMask += (n + 7) >> 3;
    if (this.atMask > this.masks.length) throw new FrameError('masks end early');
    return at;
  }

  bit(at: number, i: number): boolean {
    return ((this.masks[at + (i >> 3)]! >> (i & 7)) & 1) !== 0;
  }

  byte(): number {
    const v = this.small[this.atSmall++];
    if (v === undefined) throw new FrameError('residuals end early');
    return v;
  }

  residual(): number {
    const v = this.byte();
    if (v !== -128) return v;
    const w = this.wide[this.atWide++];
    if (w === undefined) throw new FrameError('wide residuals end early');
    if (w !== -32768) return w;
    const x = this.wider[this.atWider++];
    if (x === undefined) throw new FrameError('wider residuals end early');
    return x;
  }

  /** All vectors must have been used up. */
  end(): void {
    if (
      this.atMask !== this.masks.length ||
      this.atSmall !== this.small.length ||
      this.atWide !== this.wide.length ||
      this.atWider !== this.wider.length
    ) {
      throw new FrameError('bytes left over');
    }
  }
}

/** Decodes ascending ids from LEB128 gaps. */
export function readIds(b: Uint8Array | null): number[] {
  const ids: number[] = [];
  if (!b) return ids;
  let last = 0;
  for (let i = 0; i < b.length; ) {
    let gap = 0;
    let scale = 1;
    for (;;) {
      const x = b[i++];
      if (x === undefined || scale > 2 ** 28) throw new FrameError('bad id gap');
      gap += (x & 0x7f) * scale;
      scale *= 128;
      if (x < 0x80) break;
    }
    const id = last + gap;
    if (id > 0xffffffff || (ids.length > 0 && gap === 0)) throw new FrameError('ids are not ascending');
    if (ids.length >= MAX_ROWS) throw new FrameError('too many rows');
    ids.push(id);
    last = id;
  }
  return ids;
}

/** The rows of one channel. A frame that throws leaves them in pieces: only a keyframe mends that. */
export class Channel {
  readonly rows = new Map<number, Row>();
  /** Tick of the state. */
  tick = 0;
  /** Takes nothing but a keyframe; so it begins. */
  broken = true;
  /** Holds a keyframe that no frame of All has followed yet. */
  fresh = false;
  private frame = 0;
  /** What a keyframe replaces: a row that stays is the same row. */
  private readonly before = new Map<number, Row>();

  constructor(
    readonly number: number,
    private readonly kinds: readonly Kind[],
  ) {}

  /** Applies a state frame that is k state frames after what the channel holds (any k if it is a keyframe). */
  apply(m: ServerMessage, k: number): void {
    this.frame++;
    const keyframe = m.keyframe();
    this.before.clear();
    if (keyframe) {
      for (const row of this.rows.values()) this.before.set(row.id, row);
      this.rows.clear();
    }
    for (const id of readIds(m.removedArray())) {
      if (!this.rows.delete(id)) throw new FrameError(`row ${id} is removed but unknown`);
    }
    const coded = keyframe || k > 1;
    const r = new Reader(m);
    for (const id of readIds(m.idsArray())) {
      if (r.isNew()) this.create(id, r, coded);
      else this.change(id, r, k, coded);
    }
    r.end();
    this.rest(k);
    if (keyframe) this.broken = false;
  }

  /** Moves the channel on by k state frames of which it heard nothing. */
  advance(k: number): void {
    this.frame++;
    this.rest(k);
  }

  /** Applies the prediction to every row that this frame did not mention. */
  private rest(k: number): void {
    for (const row of this.rows.values()) {
      if (row.seen === this.frame) continue;
      row.seen = this.frame;
      const { linear, fields } = row.kind;
      for (let l = 0; l < linear.length; l++) {
        const d = row.moved[l]!;
        if (d === 0) continue;
        const i = linear[l]!;
        row.values[i] = toRange(fields[i]!, row.values[i]! + Math.imul(k, d));
      }
    }
  }

  private create(id: number, r: Reader, coded: boolean): void {
    const kind = this.kinds[r.byte()];
    if (!kind) throw new FrameError('unknown kind');
    if (this.rows.size >= MAX_ROWS) throw new FrameError('too many rows');
    const { fields, linear } = kind;
    const at = r.mask(1 + fields.length + (coded ? linear.length : 0));
    const values = new Int32Array(fields.length);
    const moved = new Int32Array(linear.length);
    for (let i = 0; i < fields.length; i++) {
      if (r.bit(at, 1 + i)) values[i] = toRange(fields[i]!, r.residual());
    }
    if (coded) {
      for (let l = 0; l < linear.length; l++) {
        if (r.bit(at, 1 + fields.length + l)) moved[l] = toDiff(fields[linear[l]!]!, r.residual());
      }
    }
    const old = this.before.get(id);
    const born = old?.kind === kind ? old.born : this.frame;
    this.rows.set(id, { id, kind, values, moved, born, seen: this.frame });
  }

  private change(id: number, r: Reader, k: number, coded: boolean): void {
    const row = this.rows.get(id);
    if (!row) throw new FrameError(`row ${id} is changed but unknown`);
    if (row.seen === this.frame) throw new FrameError(`row ${id} is mentioned twice`);
    row.seen = this.frame;
    const { fields, linear } = row.kind;
    const at = r.mask(1 + fields.length + (coded ? linear.length : 0));
    let l = 0;
    for (let i = 0; i < fields.length; i++) {
      const f = fields[i]!;
      const old = row.values[i]!;
      let v = f.linear ? toRange(f, old + Math.imul(k, row.moved[l]!)) : old;
      if (r.bit(at, 1 + i)) v = toRange(f, v + r.residual());
      row.values[i] = v;
      if (!f.linear) continue;
      if (!coded) row.moved[l] = displacement(f, old, v);
      l++;
    }
    if (!coded) return;
    for (l = 0; l < linear.length; l++) {
      if (r.bit(at, 1 + fields.length + l)) {
        row.moved[l] = toDiff(fields[linear[l]!]!, row.moved[l]! + r.residual());
      }
    }
  }

  /** The view hash: equal on server and client, or they do not have the same state. */
  hash(): number {
    let sum = 0;
    for (const row of this.rows.values()) sum = (sum + rowHash(row)) | 0;
    return sum >>> 0;
  }
}

/** One row's share of the view hash; the mix is the "lowbias32" of C. Wellons, "Prospecting for Hash Functions", 2018. */
export function rowHash(row: Row): number {
  const { fields } = row.kind;
  let h = mix((Math.imul(row.id, 0x9e3779b1) + row.kind.number) | 0);
  let l = 0;
  for (let i = 0; i < fields.length; i++) {
    h = mix(h ^ row.values[i]!);
    if (fields[i]!.linear) h = mix((h + Math.imul(row.moved[l++]!, 0x85ebca6b)) | 0);
  }
  return h;
}

function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return h ^ (h >>> 16);
}
