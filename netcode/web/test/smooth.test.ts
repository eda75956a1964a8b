import assert from 'node:assert/strict';
import test from 'node:test';
import { open } from '../src/client/messages.js';
import { Smoother } from '../src/client/smooth.js';
import { View } from '../src/client/view.js';
import { frame, type FrameSpec, tables } from './frames.js';

const kinds = tables([{
  name: 'thing',
  fields: [
    { name: 'x', bits: 16, linear: true, jump: 50 },
    { name: 'aim', bits: 8, wraps: true },
    { name: 'hp', bits: 7 },
  ],
}]);

class Lenient extends View {
  protected override matches(): boolean {
    return true;
  }
}

/** Two ticks per state frame; id 5 at x 100, aim 250, hp 100 in tick 10. */
function rig(...frames: FrameSpec[]) {
  const view = new Lenient(kinds, 2);
  const smoother = new Smoother(2);
  smoother.also('thing', 'aim');
  const key: FrameSpec = { tick: 10, keyframe: true, rows: [5, 0b1111], small: [0, 100, -128, 100], wide: [250] };
  for (const f of [key, ...frames]) {
    view.apply(open(frame(f)));
    smoother.push(view);
  }
  return (at: number, id = 5) => {
    const e = smoother.each('thing', at).find((x) => x.id === id);
    return e && [e['x'], e['aim'], e['hp']];
  };
}

test('linear and named fields move, the others step; angles go the short way', () => {
  const at = rig({ tick: 12, rows: [5, 0b1110], small: [20, 10, -40] });
  assert.deepEqual(at(10), [100, 250, 100]);
  assert.deepEqual(at(11), [110, 255, 100]);
  assert.deepEqual(at(12), [120, 4, 60]);
});

test('nothing is drawn in the middle of a teleport', () => {
  const at = rig({ tick: 12, rows: [5, 0b10], small: [100] });
  assert.equal(at(11)![0], 100);
  assert.equal(at(12)![0], 200);
});

test('a gap of several frames is a longer step, not a teleport', () => {
  const at = rig({ tick: 16, base: 3, rows: [5, 0b10], small: [90] });
  assert.equal(at(13)![0], 145);
});

test('a row appears with its first frame and goes with its last', () => {
  const at = rig({ tick: 12, rows: [9, 0b11], small: [0, 7] }, { tick: 14, rows: [9, 0] });
  assert.equal(at(11.5, 9), undefined);
  assert.deepEqual(at(12.5, 9), [7, 0, 0]);
  assert.equal(at(14, 9), undefined);
});

test('an id used again is not the old row', () => {
  const at = rig({ tick: 12, rows: [5, 0b11], small: [0, 110] });
  assert.equal(at(11)![0], 100);
  assert.equal(at(12)![0], 110);
});

test('past the newest frame a row goes on for a moment, then stops', () => {
  const at = rig({ tick: 12, rows: [5, 0b10], small: [20] });
  assert.equal(at(13)![0], 130);
  assert.equal(at(18)![0], 180);
  assert.equal(at(100)![0], 180);
});

test('a keyframe in between does not break the motion', () => {
  const at = rig({ tick: 12, keyframe: true, rows: [5, 0b0011], small: [0, 120] });
  assert.equal(at(11)![0], 110);
});

test('says which state is on screen', () => {
  const s = new Smoother(2);
  const v = new Lenient(kinds, 2);
  assert.deepEqual(s.shown(5), { shown: 0, frac: 0 });
  v.apply(open(frame({ tick: 10, keyframe: true })));
  s.push(v);
  v.apply(open(frame({ tick: 12 })));
  s.push(v);
  assert.deepEqual(s.shown(10.5), { shown: 10, frac: 64 });
  assert.deepEqual(s.shown(50), { shown: 12, frac: 0 });
});
