// Frames of the server's own encoder: netcode/delta/testdata/frames.json, which says how to read it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { FrameError, viewHash } from '../src/client/channel.js';
import { open } from '../src/client/messages.js';
import { View } from '../src/client/view.js';
import { type KindSpec, tables } from './frames.js';
import { repo } from './repo.js';

interface Golden {
  every: number;
  kinds: KindSpec[];
  steps: {
    note: string;
    frame: string;
    error: '' | 'base' | 'hash';
    tick: number;
    channels: { channel: number; tick: number; hash: number; rows: [number, number, number[]][] }[];
  }[];
}

const golden = JSON.parse(readFileSync(repo('netcode/delta/testdata/frames.json'), 'utf8')) as Golden;

test('decodes what the server encodes', () => play(''));
test('and passes over what follows a message, as in those that bring a window in step', () => play('07'.repeat(4096)));

function play(behind: string) {
  const g = golden;
  assert.ok(g.steps.length > 10);
  const view = new View(tables(g.kinds), g.every);
  for (const s of g.steps) {
    assert.equal(outcome(view, Buffer.from(s.frame + behind, 'hex')), s.error, s.note);
    const have = [...view.parts].sort((a, b) => a.number - b.number).map((c) => ({
      channel: c.number,
      tick: c.tick,
      hash: viewHash(c.rows),
      rows: [...c.rows.values()].sort((a, b) => a.id - b.id).map((r) => [r.id, r.kind.number, [...r.values]]),
    }));
    assert.deepEqual(have, s.channels ?? [], s.note);
    assert.equal(view.tick, s.tick, s.note);
  }
}

function outcome(view: View, frame: Uint8Array): string {
  try {
    const done = view.apply(open(frame));
    return done === 'ignored' ? 'base' : done === 'mismatch' ? 'hash' : '';
  } catch (err) {
    assert.ok(err instanceof FrameError, String(err));
    return 'base';
  }
}

test('frames with wrong bytes are refused or taken, never anything else', () => {
  let seed = 1;
  const random = (n: number) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % n;
  const frames = golden.steps.filter((s) => !s.error).map((s) => Buffer.from(s.frame, 'hex'));
  const mend = frames.find((f) => open(f).keyframe() && open(f).channel() === 0)!;
  let refused = 0;
  for (let round = 0; round < 40; round++) {
    const view = new View(tables(golden.kinds), golden.every);
    for (const s of golden.steps) {
      const bytes = Buffer.from(s.frame, 'hex');
      for (let n = random(3); n > 0; n--) bytes[random(bytes.length)] = random(256);
      try {
        view.apply(open(bytes.subarray(0, random(8) === 0 ? random(bytes.length) : bytes.length)));
      } catch (err) {
        assert.ok(err instanceof Error, String(err));
        refused++;
      }
      for (const c of view.parts) assert.ok(c.rows.size < 1000);
    }
    view.apply(open(mend)); // a whole keyframe mends everything
    assert.ok(view.whole);
  }
  assert.ok(refused > 50, `${refused} refused`);
});
