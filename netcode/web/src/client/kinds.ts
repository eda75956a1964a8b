// Field tables: what the columns of a row mean. They come with the welcome; nothing here knows a game.

import type { Kind as WireKind } from '../../../../schema/ts/wire.js';

const SIGNED = 1;
const WRAPS = 2;
const LINEAR = 4;

/** One column of a row. */
export interface Field {
  readonly name: string;
  /** Width of the value range, 1 to 32. */
  readonly bits: number;
  readonly signed: boolean;
  /** Values live on a circle of 2^bits; differences take the short way round. */
  readonly wraps: boolean;
  /** Predicted by its last displacement, otherwise to hold its value. */
  readonly linear: boolean;
  /** A larger step in one state frame is a teleport; 0 means none is. */
  readonly jump: number;
}

/** The field table of one sort of row. */
export class Kind {
  /** Indices of the linear fields, ascending. */
  readonly linear: readonly number[];
  private readonly index = new Map<string, number>();

  constructor(
    readonly number: number,
    readonly name: string,
    readonly fields: readonly Field[],
  ) {
    this.linear = fields.flatMap((f, i) => (f.linear ? [i] : []));
    fields.forEach((f, i) => this.index.set(f.name, i));
  }

  /** Index of a field by name, or -1. */
  at(name: string): number {
    return this.index.get(name) ?? -1;
  }
}

/** Flags of a field on the wire. */
export function fieldOf(name: string, bits: number, flags: number, jump: number): Field {
  return {
    name,
    bits,
    signed: (flags & SIGNED) !== 0,
    wraps: (flags & WRAPS) !== 0,
    linear: (flags & LINEAR) !== 0,
    jump,
  };
}

/** Reads one field table of a welcome. */
export function kindOf(number: number, k: WireKind): Kind {
  const fields: Field[] = [];
  if (k.fieldsLength() > 255) throw new Error('too many fields');
  for (let i = 0; i < k.fieldsLength(); i++) {
    const f = k.fields(i)!;
    fields.push(fieldOf(f.name() ?? '', f.bits(), f.flags(), f.jump()));
  }
  return new Kind(number, k.name() ?? '', fields);
}

function extend(v: number, bits: number): number {
  return (v << (32 - bits)) >> (32 - bits);
}

/** A value brought into the range of its field, if that wraps; int32 otherwise. */
export function toRange(f: Field, v: number): number {
  if (!f.wraps || f.bits === 32) return v | 0;
  return f.signed ? extend(v, f.bits) : v & ((1 << f.bits) - 1);
}

/** A difference of two values of a field: the short way round if it wraps, int32 otherwise. */
export function toDiff(f: Field, d: number): number {
  return f.wraps ? extend(d, f.bits) : d | 0;
}

/** The displacement that a change from one state frame to the next leaves behind. */
export function displacement(f: Field, from: number, to: number): number {
  const d = toDiff(f, to - from);
  return f.jump !== 0 && Math.abs(d) > f.jump ? 0 : d;
}
