// The client when the node that plays its match dies, falls silent, or was overtaken.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { open } from '../src/client/messages.js';
import { bye, frame, move, standby, welcome } from './frames.js';
import { repo } from './repo.js';
import { FakeSocket, kinds, Rig } from './rig.js';

const ONE = 'ws://one/v1/play';
const TWO = 'ws://two/v1/play';
const THREE = 'ws://three/v1/play';

/** The newest socket to an address. */
function to(r: Rig, url: string): FakeSocket {
  return r.sockets.filter((s) => s.url === url).pop()!;
}

test('races owner and standby after a loss; the first to welcome wins, the other is closed', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.socket.lose();
  assert.equal(r.client.phase, 'reconnecting');
  r.pass(50);
  assert.deepEqual(r.sockets.slice(1).map((s) => s.url).sort(), [ONE, TWO]);
  const [one, two] = [to(r, ONE), to(r, TWO)];
  one.open();
  two.open();
  assert.deepEqual([one, two].map((s) => [s.hello()!.resume(), s.hello()!.epoch(), s.hello()!.tick()]), [['r1', 1, 100], ['r1', 1, 100]]);
  two.say(welcome({ kinds, epoch: 2, tick: 101, resume: 'r2' }));
  assert.equal(one.closedWith, 1000);
  two.say(frame({ tick: 101, keyframe: true, epoch: 2 }));
  assert.deepEqual([r.client.phase, r.client.tick], ['playing', 101]);
  one.say(welcome({ kinds, epoch: 1 }), frame({ tick: 150, keyframe: true, epoch: 1 }));
  assert.equal(r.client.tick, 101);
  two.lose();
  r.pass(50);
  assert.equal(to(r, TWO).hello(), undefined);
  to(r, TWO).open();
  assert.deepEqual([to(r, TWO).hello()!.resume(), to(r, TWO).hello()!.epoch()], ['r2', 2]);
});

test('a standby that is not ready yet is asked again while the owner is', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.socket.lose();
  r.pass(50);
  to(r, TWO).open();
  to(r, TWO).lose(4013);
  to(r, ONE).lose();
  const n = r.sockets.length;
  r.pass(100);
  assert.ok(r.sockets.length >= n + 2);
  to(r, TWO).open();
  to(r, TWO).say(welcome({ kinds, epoch: 2 }));
  assert.equal(r.client.phase, 'reconnecting');
  to(r, TWO).say(frame({ tick: 120, keyframe: true, epoch: 2 }));
  assert.equal(r.client.phase, 'playing');
});

test('that the match is over is believed when both say so, not when one does', (t) => {
  for (const both of [true, false]) {
    const r = new Rig(t).join({ standby: TWO });
    r.socket.lose();
    r.pass(50);
    to(r, ONE).lose(4004);
    assert.equal(r.client.phase, 'reconnecting');
    if (both) to(r, TWO).lose(4004);
    else {
      r.pass(500);
      to(r, TWO).open();
      to(r, TWO).say(welcome({ kinds, epoch: 2 }), frame({ tick: 9, keyframe: true, epoch: 2 }));
    }
    assert.equal(r.client.phase, both ? 'ended' : 'playing');
    r.client.leave();
    t.mock.timers.reset();
  }
});

test('a standby that sends us back to the owner leaves the race', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.socket.lose();
  r.pass(50);
  to(r, TWO).open();
  to(r, TWO).say(move(ONE, ''), bye(4010, ONE));
  to(r, TWO).lose(4010, ONE);
  r.pass(1000);
  assert.equal(r.sockets.filter((s) => s.url === TWO).length, 1);
  to(r, ONE).open();
  to(r, ONE).say(welcome({ kinds }), frame({ tick: 104, base: 4 }));
  assert.equal(r.client.phase, 'playing');
});

test('our own late hello does not end the winner', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.socket.lose();
  r.pass(50);
  to(r, ONE).open();
  to(r, ONE).say(welcome({ kinds }), frame({ tick: 104, base: 4 }));
  to(r, ONE).lose(4005);
  assert.equal(r.client.phase, 'reconnecting');
});

test('where nobody knows more, others are asked', async (t) => {
  const r = new Rig(t, { locate: () => Promise.resolve(THREE) }).join({ standby: TWO });
  r.socket.lose();
  r.pass(3100); // nobody answers
  await Promise.resolve();
  r.pass(200);
  assert.equal(r.socket.url, THREE);
  r.socket.open();
  r.socket.say(welcome({ kinds, epoch: 5 }), frame({ tick: 130, keyframe: true, epoch: 5 }));
  assert.equal(r.client.phase, 'playing');
});

test('a silent owner is left for the standby, after it was asked', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  const owner = r.socket;
  r.pass(300);
  owner.say(frame({ tick: 101 }));
  owner.sent.length = 0;
  r.pass(600);
  assert.ok(owner.sent.some((m) => m.ping() !== 0));
  assert.equal(r.client.phase, 'playing');
  r.pass(500);
  assert.equal(r.client.phase, 'reconnecting');
  assert.equal(owner.closedWith, 1000);
  assert.deepEqual(r.sockets.slice(1).map((s) => s.url).sort(), [ONE, TWO]);
});

test('a silent owner is left for who stood by before, too', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.socket.say(standby(''));
  r.pass(1100);
  assert.equal(r.client.phase, 'reconnecting');
  assert.deepEqual(r.sockets.slice(1).map((s) => s.url).sort(), [ONE, TWO]);
});

test('an owner that answers but shows nothing is left later', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  for (let i = 0; i < 9; i++) {
    r.pass(200);
    r.pongs();
  }
  assert.equal(r.sockets.length, 1);
  for (let i = 0; i < 5; i++) {
    r.pass(200);
    if (r.sockets.length === 1) r.pongs();
  }
  assert.equal(r.sockets.length, 3);
});

test('a program that stood still does not blame the owner', (t) => {
  const r = new Rig(t).join({ standby: TWO });
  r.now += 1500; // no timer ran
  r.pass(350);
  r.socket.say(frame({ tick: 101 }));
  r.pass(350);
  assert.equal(r.sockets.length, 1);
});

test('without a standby silence is borne, and a new standby is learnt', (t) => {
  const r = new Rig(t).join();
  r.pass(3000);
  assert.equal(r.sockets.length, 1);
  r.socket.say(standby(TWO));
  r.socket.lose();
  r.pass(50);
  assert.deepEqual(r.sockets.slice(1).map((s) => s.url).sort(), [ONE, TWO]);
});

test('nothing of an older epoch is taken', (t) => {
  const r = new Rig(t).join({ epoch: 3 });
  r.socket.lose();
  r.pass(5);
  r.socket.open();
  r.socket.say(welcome({ kinds, epoch: 2 }), frame({ tick: 500, keyframe: true, epoch: 2 }));
  assert.equal(r.client.tick, 100);
  assert.equal(r.socket.closedWith, 1000);
  r.pass(300);
  assert.equal(r.sockets.length, 3);
  r.join({ epoch: 3, tick: 110 }, 110);
  r.socket.say(frame({ tick: 600, keyframe: true, epoch: 2 }));
  assert.equal(r.client.tick, 110);
  assert.equal(r.client.phase, 'reconnecting');
});

test('a higher epoch begins with a keyframe', (t) => {
  const r = new Rig(t).join({ epoch: 3 });
  r.socket.lose();
  r.pass(5);
  r.socket.open();
  r.socket.say(welcome({ kinds, epoch: 4 }), frame({ tick: 101 }));
  assert.equal(r.client.tick, 0);
  r.key(90, 4);
  assert.equal(r.client.tick, 90);
});

test('reads the bytes that the server writes', () => {
  const bytes = Buffer.from(readFileSync(repo('schema/testdata/standby.hex'), 'utf8').trim(), 'hex');
  assert.equal(open(bytes).standby()!.url(), 'wss://two.example/v1/play');
});
