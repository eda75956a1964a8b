// The page in a headless browser (Chromium or Firefox) against a real server with bots: it joins, moves when a key is pressed,
// as the server tells a second client that has nothing to do with the page, and comes back after it has hung and after its socket is cut.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Client } from '../src/index.js';
import { bodyOf, dataset, Server, until } from './rig.js';
import { openTab, type Tab } from './tab.js';

interface Hook {
  overtime: { client: Client; cut(): void; stats(): Record<string, number>; rows(kind: string): Record<string, number>[] };
}

const KEYS = [['d', 'x', 1], ['a', 'x', -1], ['s', 'y', 1], ['w', 'y', -1]] as const;
/** A step a tick that no walking player makes: he was reborn elsewhere. */
const TELEPORT = 100;

let server: Server;
let page: Tab;
let watcher: Client;

before(async () => {
  server = await Server.start(6);
  page = await openTab();
});

after(async () => {
  watcher?.leave();
  await page?.close();
  await server?.stop();
});

const state = async () => (await dataset(page))['state'];
const player = async () => Number((await dataset(page))['player']);

test('joins by itself and keeps up with the match', async () => {
  await page.goto(`${server.url}/?autoplay=1`);
  await until('playing', async () => (await state()) === 'playing');
  const d = await dataset(page);
  assert.ok(Number(d['player']) > 0);
  const match = await server.match(d['match']!);
  assert.equal(match['game'], 'arena');
  const first = Number(d['tick']);
  assert.ok(first > 0 && Number(match['tick']) >= first - 30);
  await until('30 more ticks', async () => Number((await dataset(page))['tick']) >= first + 30);
});

test('moves when a key is pressed: the server says so', async () => {
  watcher = await server.watch((await dataset(page))['match']!);
  const me = await player();
  await until('our body', () => bodyOf(watcher, me));
  assert.ok(Math.abs(await walk(me, '', 'x')) < 50, 'he stands still while no key is pressed');
  let tries = 0;
  await until('a step in the direction of the key', async () => {
    const [key, axis, sign] = KEYS[tries++ % KEYS.length]!;
    return (await walk(me, key, axis)) * sign > 150;
  }, 120_000);
});

/** Holds a key (or none) for half a second and adds up how the watcher sees the player move along an axis; rebirths do not count. */
async function walk(me: number, key: string, axis: 'x' | 'y'): Promise<number> {
  let moved = 0;
  let last: number | undefined;
  const stop = watcher.on('tick', () => {
    const at = bodyOf(watcher, me)?.[axis];
    if (at !== undefined && last !== undefined && Math.abs(at - last) < TELEPORT) moved += at - last;
    last = at;
  });
  if (key) await page.down(key);
  await new Promise((done) => setTimeout(done, 500));
  if (key) await page.up(key);
  stop();
  return moved;
}

test('catches up after it has hung: what it missed comes as one frame', async () => {
  const longest = await page.evaluate(async () => {
    const { client } = (window as unknown as Hook).overtime;
    let last = client.tick;
    let most = 0;
    const stop = client.on('tick', () => {
      most = Math.max(most, client.tick - last);
      last = client.tick;
    });
    const end = performance.now() + 3000;
    while (performance.now() < end);
    while (most <= 30 && performance.now() < end + 30_000) await new Promise((done) => setTimeout(done, 20));
    stop();
    return most;
  });
  assert.ok(longest > 30, `${longest} ticks between two frames`);
});

test('comes back as the same player after its socket is cut', async () => {
  const was = await dataset(page);
  const seen = await page.evaluate(async () => {
    const states: string[] = [];
    const watch = new MutationObserver(() => states.push(document.body.dataset['state']!));
    watch.observe(document.body, { attributes: true, attributeFilter: ['data-state'] });
    (window as unknown as Hook).overtime.cut();
    await new Promise<void>((done) => {
      const poll = setInterval(() => {
        if (!states.includes('playing')) return;
        clearInterval(poll);
        done();
      }, 20);
    });
    return states;
  });
  assert.deepEqual(seen, ['reconnecting', 'playing']);
  const is = await dataset(page);
  assert.deepEqual([is['player'], is['match']], [was['player'], was['match']]);
  const tick = Number(is['tick']);
  await until('ticks after the cut', async () => Number((await dataset(page))['tick']) >= tick + 15);
  assert.ok(watcher.roster.some((m) => m.number === Number(was['player']) && m.online), 'the seat is still his');
});

test('has decoded every frame without a difference, and without an error in the page', async () => {
  const s = await until('60 checks', async () => {
    const stats = await page.evaluate(() => (window as unknown as Hook).overtime.stats());
    return stats['hashChecks']! > 60 && stats;
  });
  assert.equal(s['hashMismatches'], 0);
  assert.equal(s['decodeErrors'], 0);
  assert.equal(page.extensions.length, 2, 'one socket, and one after the cut');
  for (const x of page.extensions) assert.ok(/permessage-deflate/.test(x) && !/server_no_context/.test(x), `no shared window: ${x}`);
  assert.equal(watcher.stats().hashMismatches, 0);
  const answers = watcher.state.one('overtime.ack');
  assert.ok(answers && answers['sample'] === 0, 'the watcher sends no controls');
  const answered = async () => await page.evaluate(() => (window as unknown as Hook).overtime.rows('overtime.ack')[0]);
  await until('60 samples in a row most of which came in time', async () => {
    const from = await until('an answer', answered);
    const to = await until('60 more', async () => {
      const row = await answered();
      return row && row['sample']! >= from['sample']! + 60 && row;
    });
    const taken = (row: Record<string, number>) => row['applied']! + row['merged']!;
    return taken(to) - taken(from) > (to['sample']! - from['sample']!) * 0.8;
  });
  assert.deepEqual(page.problems, []);
});

test('finds another match after the server crashed', async () => {
  const was = await dataset(page);
  watcher.leave();
  await server.crash();
  const is = await until('another match', async () => {
    const d = await dataset(page);
    return d['state'] === 'playing' && d['match'] !== was['match'] && d;
  });
  await until('ticks there', async () => Number((await dataset(page))['tick']) >= Number(is['tick']) + 15);
  assert.deepEqual(page.problems, []);
});
