// Back-off, outbox, clock, timeline.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Backoff } from '../src/client/backoff.js';
import { Clock } from '../src/client/clock.js';
import { Commands, Inbox, MAX_PENDING_COMMANDS, MAX_PENDING_SAMPLES, Samples } from '../src/client/outbox.js';
import { Timeline } from '../src/client/timeline.js';

const moment = { tick: 1, shown: 0, frac: 0 };
const seqs = (s: { seq: number }[]) => s.map((x) => x.seq);

/** Small seeded generator for repeatable jitter. */
function random(seed: number): () => number {
  return () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

test('back-off doubles its ceiling up to the limit, and the wait is anywhere below it', () => {
  const most = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 0.999999 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => Math.round(most.next())), [100, 200, 400, 800, 1000, 1000]);
  most.reset();
  assert.equal(Math.round(most.next()), 100);
  assert.equal(new Backoff({ random: () => 0 }).next(), 0);
});

test('samples are numbered without gaps, kept until answered, and go out again on a new connection', () => {
  const s = new Samples();
  for (let i = 0; i < 3; i++) s.add({}, moment);
  assert.deepEqual(seqs(s.take()), [1, 2, 3]);
  assert.deepEqual(seqs(s.take()), []);
  s.answered(1);
  s.add({}, moment);
  assert.deepEqual(seqs(s.take()), [4]);
  s.restart(2);
  assert.deepEqual(seqs(s.take()), [3, 4]);
  s.answered(4);
  assert.equal(s.unanswered, 0);
  assert.equal(s.add({}, moment)!.seq, 5);
});

test('samples go out in batches of at most 32', () => {
  const s = new Samples();
  for (let i = 0; i < 40; i++) s.add({}, moment);
  assert.equal(s.take().length, 32);
  assert.equal(s.take().length, 8);
});

test('a client without memory numbers its samples and commands on from what the server has', () => {
  const s = new Samples();
  s.restart(17);
  assert.equal(s.add({}, moment)!.seq, 18);
  const c = new Commands();
  c.add(new Uint8Array([1])); // before the welcome
  c.restart(5, true);
  assert.equal(c.take()!.number, 6);
  assert.equal(c.add(new Uint8Array([2])), 7);
});

test('unanswered samples and commands are bounded', () => {
  const s = new Samples();
  for (let i = 0; i < MAX_PENDING_SAMPLES; i++) assert.ok(s.add({}, moment));
  assert.equal(s.add({}, moment), undefined);
  assert.equal(s.dropped, 1);
  s.answered(1);
  assert.equal(s.add({}, moment)!.seq, MAX_PENDING_SAMPLES + 1);
  const c = new Commands();
  for (let i = 0; i < MAX_PENDING_COMMANDS; i++) assert.ok(c.add(new Uint8Array(1)));
  assert.equal(c.add(new Uint8Array(1)), 0);
  assert.throws(() => c.add(new Uint8Array(1025)), RangeError);
});

test('commands go out once a connection, in order, until they are answered', () => {
  const c = new Commands();
  for (let i = 1; i <= 3; i++) c.add(new Uint8Array([i]));
  assert.deepEqual([c.take()!.number, c.take()!.number, c.take()!.number, c.take()], [1, 2, 3, undefined]);
  c.answered(1);
  c.restart(1, false);
  assert.deepEqual([c.take()!.number, c.take()!.number, c.take()], [2, 3, undefined]);
});

test('reliable messages are handed on once, in order', () => {
  const inbox = new Inbox();
  const data = new Uint8Array(0);
  const got = [3, 4, 4, 3, 5, 9, 10].filter((number) => inbox.accept({ number, kind: 0, data }));
  assert.deepEqual(got, [3, 4, 5, 9, 10]);
  assert.equal(inbox.duplicates, 2);
  assert.equal(inbox.missed, 3);
});

test('the clock believes the fastest ping', () => {
  const c = new Clock(30);
  const at = (server: number) => ({ tick: Math.floor(server / 100) * 3, fracUs: (server % 100) * 1000, latenessMs: 0, heldUs: 0 });
  const truth = 5000; // server time minus client time, ms
  for (const [sent, out, back] of [[100, 80, 10], [1100, 12, 12], [2100, 5, 90]] as const) {
    const v = c.ping(sent);
    assert.ok(c.pong(v, at(sent + out + truth), sent + out + back));
  }
  const error = c.serverTick(3000)! - ((3000 + truth) * 30) / 1000;
  assert.ok(Math.abs(error) < 0.1, `off by ${error} ticks`);
  assert.equal(c.rtt, 90);
  assert.ok(c.inputTick(3000)! > c.serverTick(3000)! + 1.35);
  assert.equal(c.pong(12345, at(0), 3000), false);
});

test('for how long a ping waited at the server is no part of the round trip', () => {
  const c = new Clock(30);
  const v = c.ping(1000);
  assert.ok(c.pong(v, { tick: 300, fracUs: 0, latenessMs: 0, heldUs: 30000 }, 1050));
  assert.equal(c.rtt, 20);
  const error = c.serverTick(1050)! - 300.3;
  assert.ok(Math.abs(error) < 1e-6, `off by ${error} ticks`);
});

/** Plays a minute over a network and returns how late controls were at the 99th percentile, ms, and the extremes of the clock's speed. */
function controls(rttMs: number, jitterMs: number, stallEvery: number, lose = 0) {
  const hz = 30, rnd = random(11), c = new Clock(hz);
  type Event = { at: number; run: (now: number) => void };
  const events: Event[] = [];
  const plan = (at: number, run: (now: number) => void) => {
    let i = events.length;
    while (i > 0 && events[i - 1]!.at > at) i--;
    events.splice(i, 0, { at, run });
  };
  const last = [0, 0];
  const way = (n: 0 | 1, now: number) => {
    let at = now + rttMs / 2 + (rnd() - 0.5) * jitterMs;
    if (stallEvery > 0 && at % stallEvery < 200) at += 200 - (at % stallEvery);
    return (last[n] = Math.max(last[n]!, at));
  };
  let lost = 0, newest = 0;
  const truth = (now: number) => ((now + 50_000) * hz) / 1000 - lost;
  const late: number[] = [];
  let slow = Infinity, fast = 0, sent = 0, before = 0;
  const ping = (now: number) => {
    const v = c.ping(now);
    plan(way(0, now), (up) => {
      const tick = truth(up), latenessMs = newest;
      plan(way(1, up), (down) => c.pong(v, { tick: Math.floor(tick), fracUs: ((tick % 1) * 1e6) / hz, latenessMs, heldUs: 0 }, down));
    });
    plan(now + 1000, ping);
  };
  const tick = (now: number) => {
    const n = Math.round(truth(now));
    plan(way(1, now), (at) => c.frame(n, at));
    plan(now + 1000 / hz, tick);
  };
  const screen = (now: number) => {
    const t = c.inputTick(now);
    if (t !== undefined) {
      const speed = ((t - before) / 10) * (1000 / hz);
      if (now > 1000) { slow = Math.min(slow, speed); fast = Math.max(fast, speed); }
      before = t;
      if (Math.floor(t) > sent) {
        const aim = (sent = Math.floor(t));
        plan(way(0, now), (at) => {
          newest = ((truth(at) - aim) * 1000) / hz;
          if (now > 15_000) late.push(newest);
        });
      }
    }
    plan(now + 10, screen);
  };
  for (const f of [ping, tick, screen]) plan(0, f);
  for (let e = events.shift()!; e.at < 75_000; e = events.shift()!) {
    if (e.at > 12_000) lost = lose;
    e.run(e.at);
  }
  late.sort((a, b) => a - b);
  return { p99: late[Math.floor(late.length * 0.99)]!, p50: late[late.length >> 1]!, slow, fast, resyncs: c.resyncs };
}

test('controls arrive in time over wifi, 4g and a bad network, on a clock that keeps its pace within 5 %', () => {
  for (const [name, rtt, jitter, stalls] of [['wifi', 20, 8, 60_000], ['4g', 60, 25, 15_000], ['bad', 150, 60, 3000]] as const) {
    const r = controls(rtt, jitter, stalls);
    assert.ok(r.p99 < 1000 / 30, `${name}: late by ${r.p99} ms at the 99th percentile`);
    assert.ok(r.p50 > -230, `${name}: early by ${-r.p50} ms`);
    assert.ok(r.slow > 0.949 && r.fast < 1.051 && r.resyncs === 0, `${name}: speed ${r.slow} to ${r.fast}, set anew ${r.resyncs} times`);
  }
});

test('the clock is set anew only where it is more than 10 ticks off', () => {
  assert.equal(controls(20, 8, 0, 5).resyncs, 0);
  assert.equal(controls(20, 8, 0, 40).resyncs, 1);
});

/** Plays frames with jitter on a screen of 60 Hz and reports how it looked. */
function play(jitterMs: number, seconds: number) {
  const rnd = random(7);
  const line = new Timeline(30, 1);
  const frames: { tick: number; at: number }[] = [];
  let last = 0;
  for (let tick = 1; tick < seconds * 30; tick++) {
    last = Math.max(last, (tick * 1000) / 30 + 500 + rnd() * jitterMs); // TCP keeps the order
    frames.push({ tick, at: last });
  }
  let drawn = 0, worst = 0, before = 0, slow = Infinity, fast = 0, delay = 0, next = 0;
  for (let now = 600; now < seconds * 1000; now += 1000 / 60) {
    while (next < frames.length && frames[next]!.at <= now) line.arrived(frames[next]!.tick, frames[next++]!.at);
    const at = line.at(now);
    if (now > 3000) {
      const speed = (at - before) * 2; // half a tick a refresh is 1
      slow = Math.min(slow, speed);
      fast = Math.max(fast, speed);
      drawn++;
      if (at > frames[next - 1]!.tick) worst++;
      delay = Math.max(delay, line.delay);
    }
    before = at;
  }
  return { starved: worst / drawn, slow, fast, delay };
}

test('the timeline keeps within 2.2 frames of a steady stream and at an even speed', () => {
  const r = play(4, 30);
  assert.equal(r.starved, 0);
  assert.ok(r.delay <= 2.2, `delay ${r.delay}`);
  assert.ok(r.slow >= 0.955 && r.fast <= 1.035, `speed ${r.slow} to ${r.fast}`);
});

test('the timeline keeps its distance when frames come irregularly', () => {
  const r = play(40, 60);
  assert.ok(r.starved <= 0.001, `starved ${r.starved}`);
  assert.ok(r.delay > 1.8 && r.delay < 4, `delay ${r.delay}`);
  assert.ok(r.slow >= 0.955 && r.fast <= 1.035, `speed ${r.slow} to ${r.fast}`);
});

test('after a stall the timeline jumps to the present instead of playing what was missed', () => {
  const line = new Timeline(30, 1);
  for (let tick = 1; tick <= 30; tick++) line.arrived(tick, tick * 33.3);
  line.at(1000);
  for (let tick = 31; tick <= 90; tick++) line.arrived(tick, 3000);
  for (let tick = 91; tick <= 160; tick++) line.arrived(tick, tick * 33.3);
  const at = line.at(160 * 33.3);
  assert.ok(at > 155 && at < 160, `at ${at}`);
});
