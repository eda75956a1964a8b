// The client against a server made by hand, in virtual time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, viewHash } from '../src/client/channel.js';
import { open } from '../src/client/messages.js';
import { bye, frame, type FrameSpec, messages, move, roster, tables, welcome } from './frames.js';
import { kinds, OWN, Rig } from './rig.js';

test('joins: hello with the token, then playing with the first state', (t) => {
  const r = new Rig(t);
  assert.equal(r.socket.sent.length, 0);
  r.socket.open();
  const h = r.socket.hello()!;
  assert.deepEqual([h.version(), h.token(), h.resume()], [1, 'player-token', null]);
  r.socket.say(welcome({ kinds, player: 7 }));
  assert.equal(r.client.phase, 'connecting');
  r.key(100);
  assert.equal(r.client.phase, 'playing');
  assert.equal(r.client.player, 7);
  assert.equal(r.client.tick, 100);
});

test('resumes at once after a broken connection, saying what it has', (t) => {
  const r = new Rig(t).join();
  r.socket.say(messages([{ number: 1, text: 'a' }, { number: 2, text: 'b' }]));
  r.client.cut();
  assert.equal(r.client.phase, 'reconnecting');
  r.pass(5);
  assert.equal(r.sockets.length, 2);
  r.socket.open();
  const h = r.socket.hello()!;
  assert.deepEqual([h.token(), h.resume(), h.epoch(), h.tick(), h.viewHash(), h.message()], [null, 'r1', 1, 100, 0, 2]);
  r.socket.say(welcome({ kinds, resume: 'r2' }), frame({ tick: 104, base: 4 }));
  assert.equal(r.client.phase, 'playing');
  assert.equal(r.client.tick, 104);
  assert.equal(r.client.stats().reconnects, 1);
  assert.deepEqual(r.log, ['playing', 'reconnecting', 'playing']);
});

test('goes on from its state after a resume, but for the channels that are not its any more', (t) => {
  const r = new Rig(t).join();
  const team = 0x40000001;
  for (const channel of [OWN, team]) r.socket.say(frame({ tick: 101, keyframe: true, channel }));
  r.socket.say(frame({ tick: 101 }));
  const sorts = () => [...r.client.state.parts].map((c) => c.number).sort();
  assert.deepEqual(sorts(), [0, OWN, team].sort());
  r.client.cut();
  r.pass(5);
  r.socket.open();
  r.socket.say(welcome({ kinds }), frame({ tick: 105, keyframe: true, channel: OWN }), frame({ tick: 105, base: 4 }));
  assert.deepEqual(sorts(), [0, OWN]);
  r.socket.say(frame({ tick: 106 }));
  assert.deepEqual(sorts(), [0, OWN]);
  assert.equal(r.client.tick, 106);
  assert.equal(r.socket.sent.filter((m) => m.keyframe()).length, 0);
});

test('attempts that fail wait longer and longer', (t) => {
  const r = new Rig(t).join();
  r.socket.lose();
  r.pass(5);
  for (const wait of [100, 200, 400]) {
    const n = r.sockets.length;
    r.socket.lose();
    r.pass(wait - 5);
    assert.equal(r.sockets.length, n, `before ${wait} ms`);
    r.pass(10);
    assert.equal(r.sockets.length, n + 1, `after ${wait} ms`);
  }
});

test('obeys the close codes', async (t) => {
  const cases: [number, string[], number][] = [
    [4004, ['ended', 'stop:4004'], 1],
    [4000, ['ended', 'lobby:4000'], 1],
    [4009, ['reconnecting'], 2],
    [4008, ['reconnecting'], 1], // waits first
    [4013, ['reconnecting'], 1],
  ];
  for (const [code, log, sockets] of cases) {
    await t.test(String(code), (t) => {
      const r = new Rig(t).join();
      r.socket.lose(code);
      r.pass(50);
      assert.deepEqual(r.log.slice(1), log);
      assert.equal(r.sockets.length, sockets);
    });
  }
});

test('a bye counts where the close frame is lost', (t) => {
  const r = new Rig(t).join();
  r.socket.say(bye(4014, 'kicked'));
  r.socket.lose(1006);
  assert.deepEqual(r.log, ['playing', 'ended', 'stop:4014']);
});

test('follows a move at once, with its token', (t) => {
  const r = new Rig(t).join();
  r.socket.say(move('ws://three/v1/play', 'moved-token'));
  r.socket.lose(4010, 'ws://three/v1/play');
  assert.equal(r.socket.url, 'ws://three/v1/play');
  r.socket.open();
  assert.equal(r.socket.hello()!.resume(), 'moved-token');
});

test('the newest resume token is used', (t) => {
  const r = new Rig(t).join({ resume: 'r1' });
  r.client.cut();
  r.pass(5);
  r.join({ resume: 'r9' });
  r.client.cut();
  r.pass(5);
  r.socket.open();
  assert.equal(r.socket.hello()!.resume(), 'r9');
});

test('reliable messages arrive once each across a resume', (t) => {
  const r = new Rig(t).join();
  const got: string[] = [];
  r.client.on('message', (m) => got.push(new TextDecoder().decode(m.data)));
  r.socket.say(messages([{ number: 1, text: 'a' }, { number: 2, text: 'b' }]));
  r.client.cut();
  r.pass(5);
  r.join();
  r.socket.say(messages([{ number: 2, text: 'b' }, { number: 3, text: 'c' }]));
  assert.deepEqual(got, ['a', 'b', 'c']);
});

test('one sample a tick, for ticks ahead of the server, acknowledging what came', (t) => {
  const r = new Rig(t).join();
  r.client.controls(() => ({ axes: [100, -40000], buttons: 3 }));
  r.pass(10);
  assert.deepEqual(r.socket.samples(), [], 'no clock yet');
  r.pongs();
  r.socket.say(messages([{ number: 1, text: 'a' }]));
  r.pass(1000);
  const sent = r.socket.sent.filter((m) => m.samplesLength() > 0);
  const seqs = r.socket.samples();
  assert.ok(seqs.length >= 29 && seqs.length <= 31, `${seqs.length} samples in a second`);
  assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
  const s = sent[0]!.samples(0)!;
  assert.deepEqual([s.axis0(), s.axis1(), s.buttons()], [100, -32768, 3]);
  assert.ok(s.tick() > 100 && s.tick() <= 104, `for tick ${s.tick()}`);
  assert.deepEqual([sent[0]!.ackTick(), sent[0]!.ackMessage()], [100, 1]);
});

test('samples and commands that were not answered go out again after a resume, the others do not', (t) => {
  const r = new Rig(t).join();
  r.client.controls(() => ({}));
  r.pongs();
  r.pass(200);
  for (const c of ['x', 'y', 'z']) r.client.command(c);
  const before = r.socket.samples();
  const last = before[before.length - 1]!;
  assert.ok(last >= 4);
  assert.deepEqual(r.socket.commands(), [1, 2, 3]);
  r.client.cut();
  r.pass(5);
  r.socket.open();
  r.socket.say(welcome({ kinds, sample: last - 2, command: 1 }));
  assert.deepEqual(r.socket.samples(), [last - 1, last]);
  assert.deepEqual(r.socket.commands(), [2, 3]);
});

test('an answer in a state frame is enough', (t) => {
  const r = new Rig(t).join();
  r.client.controls(() => ({}));
  r.pongs();
  r.pass(200);
  const sent = r.socket.samples().length;
  assert.equal(r.client.stats().samplesUnanswered, sent);
  const own: FrameSpec = { tick: 101, keyframe: true, channel: OWN, rows: [0, 0b101], small: [1, sent - 1] };
  r.socket.say(frame({ ...own, hash: hashOf(own) }));
  r.socket.say(frame({ tick: 101 }));
  assert.equal(r.client.stats().samplesUnanswered, 1);
});

/** View hash of what a keyframe holds. */
function hashOf(f: FrameSpec): number {
  return viewHash(decode(new Map(), open(frame(f)), 1, f.tick, tables(kinds)));
}

test('asks for a keyframe when the state is not the server\'s, but not over and over', (t) => {
  const r = new Rig(t).join();
  r.socket.sent.length = 0;
  r.socket.say(frame({ tick: 101, hash: 99 }), frame({ tick: 102, hash: 99 }), frame({ tick: 103, hash: 99 }));
  assert.equal(r.socket.sent.filter((m) => m.keyframe()).length, 1);
  assert.equal(r.client.stats().hashMismatches, 1);
  r.key(104);
  assert.equal(r.client.tick, 104);
});

test('bytes that are no message end the connection, not the client', (t) => {
  const r = new Rig(t).join();
  r.socket.say(new Uint8Array([255, 255, 255, 127, 1, 2, 3, 4, 5, 6, 7, 8]).buffer);
  assert.equal(r.client.stats().decodeErrors, 1);
  r.pass(5);
  assert.equal(r.sockets.length, 2);
});

test('a connection that falls silent is given up', (t) => {
  const r = new Rig(t).join();
  r.pass(5000);
  assert.equal(r.sockets.length, 1);
  r.pass(3000);
  assert.equal(r.client.phase, 'reconnecting');
  assert.equal(r.sockets.length, 2);
  assert.equal(r.sockets[0]!.closedWith, 1000);
});

test('acknowledges by itself when no samples do', (t) => {
  const r = new Rig(t).join();
  r.socket.sent.length = 0;
  for (let tick = 101; tick <= 106; tick++) r.socket.say(frame({ tick }));
  assert.deepEqual(r.socket.sent.map((m) => m.ackTick()), [102, 104, 106]);
});

test('roster and leaving', (t) => {
  const r = new Rig(t).join();
  r.socket.say(roster([{ number: 7, name: 'Ann', team: 2, flags: 1 }, { number: 8, name: 'Bob', flags: 2 }]));
  assert.deepEqual(r.client.roster.map((m) => [m.number, m.name, m.team, m.online, m.bot]), [[7, 'Ann', 2, true, false], [8, 'Bob', 0, false, true]]);
  const s = r.socket;
  r.client.leave();
  assert.ok(s.sent.some((m) => m.leave()));
  assert.equal(r.client.phase, 'ended');
  r.pass(5000);
  assert.equal(r.sockets.length, 1);
});

test('gives up in the end', (t) => {
  const r = new Rig(t, { giveUpMs: 3000 }).join();
  for (let i = 0; i < 20 && r.client.phase !== 'ended'; i++) {
    r.socket.lose();
    r.pass(1000);
  }
  assert.equal(r.client.phase, 'ended');
});
