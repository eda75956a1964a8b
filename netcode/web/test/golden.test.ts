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

test('decodes what the server encodes', () => {
  const g = JSON.parse(readFileSync(repo('netcode/delta/testdata/frames.json'), 'utf8')) as Golden;
  assert.ok(g.steps.length > 10);
  const view = new View(tables(g.kinds), g.every);
  for (const s of g.steps) {
    assert.equal(outcome(view, Buffer.from(s.frame, 'hex')), s.error, s.note);
    const have = [...view.parts].sort((a, b) => a.number - b.number).map((c) => ({
      channel: c.number,
      tick: c.tick,
      hash: viewHash(c.rows),
      rows: [...c.rows.values()].sort((a, b) => a.id - b.id).map((r) => [r.id, r.kind.number, [...r.values]]),
    }));
    assert.deepEqual(have, s.channels ?? [], s.note);
    assert.equal(view.tick, s.tick, s.note);
  }
});

function outcome(view: View, frame: Uint8Array): string {
  try {
    const done = view.apply(open(frame));
    return done === 'ignored' ? 'base' : done === 'mismatch' ? 'hash' : '';
  } catch (err) {
    assert.ok(err instanceof FrameError, String(err));
    return 'base';
  }
}
