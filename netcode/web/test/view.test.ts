// State frames built by hand, byte by byte as netcode/delta/doc.go describes them; the golden frames of the server's own
// encoder are in golden.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FrameError, Reader, viewHash } from '../src/client/channel.js';
import { open } from '../src/client/messages.js';
import { View } from '../src/client/view.js';
import { frame, type FrameSpec, type KindSpec, tables } from './frames.js';

const thing: KindSpec = {
  name: 'thing',
  fields: [
    { name: 'x', bits: 16, signed: true, linear: true, jump: 50 },
    { name: 'angle', bits: 8, wraps: true, linear: true },
    { name: 'hp', bits: 7 },
  ],
};
const OWN = 0x80000003;

/** Takes frames whatever their hash. */
class Lenient extends View {
  protected override matches(): boolean {
    return true;
  }
}

/** A view whose checks always pass: the hash of each frame is computed from a second view first. */
class Tester {
  view = new View(tables([thing]), 2);
  private readonly twin = new Lenient(tables([thing]), 2);

  apply(f: FrameSpec) {
    try {
      this.twin.apply(open(frame(f)));
    } catch {
      return this.view.apply(open(frame(f)));
    }
    let hash = 0;
    for (const c of this.twin.parts) if (c.number === (f.channel ?? 0)) hash = viewHash(c.rows);
    return this.view.apply(open(frame({ ...f, hash })));
  }

  get(id = 5) {
    const e = this.view.one('thing', id);
    return e && [e['x'], e['angle'], e['hp']];
  }
}

// One row, id 5: x 300 (wide), angle 250 (wide), hp 100; displacements x 10, angle 6.
const key: FrameSpec = { tick: 100, keyframe: true, epoch: 1, rows: [5, 0b111111], small: [0, -128, -128, 100, 10, 6], wide: [300, 250] };

test('a keyframe brings rows with displacements, and silence moves them', () => {
  const t = new Tester();
  assert.equal(t.apply(key), 'tick');
  assert.deepEqual(t.get(), [300, 250, 100]);
  assert.equal(t.apply({ tick: 102 }), 'tick');
  assert.deepEqual(t.get(), [310, 0, 100]); // 250 + 6 wraps at 256
  assert.equal(t.apply({ tick: 108, base: 3 }), 'tick');
  assert.deepEqual(t.get(), [340, 18, 100]);
  assert.equal(t.view.tick, 108);
  assert.equal(t.view.mismatches, 0);
});

test('a residual is added to the prediction and gives the new displacement', () => {
  const t = new Tester();
  t.apply(key);
  t.apply({ tick: 102, rows: [5, 0b1010], small: [-4, -30] }); // x 306, hp 70
  assert.deepEqual(t.get(), [306, 0, 70]);
  t.apply({ tick: 104 });
  assert.deepEqual(t.get(), [312, 6, 70]);
});

test('a step beyond the jump limit leaves no displacement', () => {
  const t = new Tester();
  t.apply(key);
  t.apply({ tick: 102, rows: [5, 0b10], small: [60] }); // x 370: a step of 70
  t.apply({ tick: 104 });
  assert.deepEqual(t.get(), [370, 6, 100]);
});

test('catch-up codes displacements of its own', () => {
  const t = new Tester();
  t.apply(key);
  t.apply({ tick: 104, base: 2, rows: [5, 0b010010], small: [1, -7] }); // x 321, its displacement 3
  assert.deepEqual(t.get(), [321, 6, 100]);
  t.apply({ tick: 106 });
  assert.deepEqual(t.get(), [324, 12, 100]);
});

test('escapes reach the whole range of int32', () => {
  const t = new Tester();
  t.apply({
    tick: 2, keyframe: true, rows: [1, 0b0011, 1, 0b0011, 1, 0b0011],
    small: [0, -127, 0, -128, 0, -126], wide: [0, -32768, -32768],
  });
  assert.deepEqual([t.get(1)![0], t.get(2)![0], t.get(3)![0]], [-2147483648, -32768, -126]);
});

test('rows come and go; an id used again is a new row at rest', () => {
  const t = new Tester();
  t.apply(key);
  t.apply({ tick: 102, rows: [5, 0b0011, 200, 1, 0b1001], small: [0, 9, 0, 1] }); // 5 born again, 205 new
  assert.deepEqual(t.get(5), [9, 0, 0]);
  assert.deepEqual(t.get(205), [0, 0, 1]);
  t.apply({ tick: 104, rows: [5, 0] });
  assert.equal(t.get(5), undefined);
  assert.deepEqual(t.view.each('thing').map((e) => e.id), [205]);
});

test('other channels begin with a keyframe, are moved on by All, and end with a keyframe of All', () => {
  const t = new Tester();
  t.apply(key);
  assert.equal(t.apply({ tick: 102, channel: OWN, small: [] }), 'ignored');
  assert.equal(t.apply({ ...key, tick: 102, channel: OWN, rows: [9, 0b111111] }), 'part');
  assert.equal(t.apply({ tick: 102 }), 'tick');
  assert.deepEqual(t.get(9), [300, 250, 100]);
  t.apply({ tick: 104 });
  assert.deepEqual(t.get(9), [310, 0, 100]);
  t.apply({ tick: 106, channel: OWN, rows: [9, 0b1000], small: [-1] });
  t.apply({ tick: 106 });
  assert.deepEqual(t.get(9), [320, 6, 99]);
  t.apply({ ...key, tick: 108 });
  assert.equal(t.get(9), undefined);
});

test('a keyframe of All keeps the channels that got one in the same tick', () => {
  const t = new Tester();
  t.apply({ ...key, channel: OWN, rows: [9, 0b111111] });
  t.apply(key);
  assert.deepEqual(t.get(9), [300, 250, 100]);
});

test('ticks count on beyond their 16 bits', () => {
  const t = new Tester();
  t.apply({ ...key, tick: 0x1fffe });
  t.apply({ tick: 0x20000 });
  assert.equal(t.view.tick, 0x20000);
});

test('a wrong hash is a mismatch and counted', () => {
  const t = new Tester();
  t.apply(key);
  assert.equal(t.view.apply(open(frame({ tick: 102, hash: 1 }))), 'mismatch');
  assert.equal(t.view.mismatches, 1);
  assert.equal(t.apply({ tick: 104 }), 'ignored'); // until a keyframe comes
  assert.equal(t.apply({ ...key, tick: 106 }), 'tick');
  assert.equal(t.view.mismatches, 1);
});

test('an empty channel has hash 0', () => {
  const v = new View(tables([thing]), 1);
  assert.equal(v.apply(open(frame({ tick: 1, keyframe: true, hash: 0 }))), 'tick');
  assert.equal(v.checks, 1);
});

test('frames that do not fit are errors, and then only a keyframe is taken', () => {
  const bad: [string, FrameSpec][] = [
    ['base 1', { tick: 102, base: 1 }],
    ['an unknown row changes', { tick: 102, rows: [6, 2], small: [1] }],
    ['an unknown row goes', { tick: 102, rows: [6, 0] }],
    ['an unknown kind', { tick: 102, rows: [6, 1], small: [1] }],
    ['no mask', { tick: 102, rows: [5] }],
    ['no residual', { tick: 102, rows: [5, 2] }],
    ['no wide residual', { tick: 102, rows: [5, 2], small: [-128] }],
    ['half a long residual', { tick: 102, rows: [5, 2], small: [-127], wide: [-32768] }],
    ['residuals left over', { tick: 102, small: [1] }],
    ['wide residuals left over', { tick: 102, wide: [1] }],
    ['bits of a mask left over', { tick: 102, rows: [5, 16] }],
    ['an id twice', { tick: 102, rows: [5, 2, 0, 2], small: [1, 1] }],
    ['a row goes twice', { tick: 102, rows: [5, 0, 0, 0] }],
    ['another tick, in full', { tick: 104, full: true }],
  ];
  for (const [why, f] of bad) {
    const t = new Tester();
    t.apply(key);
    assert.throws(() => t.view.apply(open(frame(f))), FrameError, why);
    assert.equal(t.view.whole, false, why);
    assert.deepEqual(t.get(), [300, 250, 100], why);
    assert.equal(t.view.apply(open(frame({ tick: 104 }))), 'ignored', why);
  }
});

test('another tick is a mismatch, also where nothing changes', () => {
  const t = new Tester();
  t.apply({ tick: 100, keyframe: true });
  assert.equal(t.view.apply(open(frame({ tick: 104 }))), 'mismatch');
  assert.equal(t.view.tick, 100);
});

test('gaps of ids are LEB128', () => {
  const ids = (...bytes: number[]) => {
    const r = new Reader({ rowsArray: () => new Uint8Array(bytes), smallArray: () => null, wideArray: () => null });
    return [...Array(3)].map(() => r.id());
  };
  assert.deepEqual(ids(0, 1, 0x80, 1), [0, 1, 129]);
  assert.deepEqual(ids(0xff, 0xff, 0xff, 0xff, 0x0f), [0xffffffff, undefined, undefined]);
  assert.throws(() => ids(0xff, 0xff, 0xff, 0xff, 0x1f), FrameError);
  assert.throws(() => ids(0x80, 0x80, 0x80, 0x80, 0x80, 0x00), FrameError);
  assert.throws(() => ids(0x80), FrameError);
  assert.throws(() => ids(1, 0), FrameError);
});
