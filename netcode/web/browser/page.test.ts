// The page in headless Chromium against a real server with bots: it joins, moves when a key is pressed, as the server tells a second
// client that has nothing to do with the page, and comes back after its socket is cut.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Client } from '../src/index.js';
import { repo } from '../test/repo.js';
import { bodyOf, dataset, launch, Server, until } from './rig.js';

const KEYS = [['d', 'x', 1], ['a', 'x', -1], ['s', 'y', 1], ['w', 'y', -1]] as const;
/** A step a tick that no walking player makes: he was reborn elsewhere. */
const TELEPORT = 100;

let server: Server;
let browser: Browser;
let page: Page;
let watcher: Client;
const problems: string[] = [];

before(async () => {
  server = await Server.start(6);
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1 });
  page.on('pageerror', (e) => problems.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
});

after(async () => {
  watcher?.leave();
  await browser?.close();
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
  let tries = 0;
  await until('a step in the direction of the key', async () => {
    const [key, axis, sign] = KEYS[tries++ % KEYS.length]!;
    return (await walk(me, key, axis)) * sign > 150;
  }, 40_000);
});

/** Holds a key for half a second and adds up how the watcher sees the player move along an axis; rebirths do not count. */
async function walk(me: number, key: string, axis: 'x' | 'y'): Promise<number> {
  let moved = 0;
  let last: number | undefined;
  const stop = watcher.on('tick', () => {
    const at = bodyOf(watcher, me)?.[axis];
    if (at !== undefined && last !== undefined && Math.abs(at - last) < TELEPORT) moved += at - last;
    last = at;
  });
  await page.keyboard.down(key);
  await new Promise((done) => setTimeout(done, 500));
  await page.keyboard.up(key);
  stop();
  return moved;
}

test('comes back as the same player after its socket is cut', async () => {
  const was = await dataset(page);
  const seen = await page.evaluate(async () => {
    const states: string[] = [];
    const watch = new MutationObserver(() => states.push(document.body.dataset['state']!));
    watch.observe(document.body, { attributes: true, attributeFilter: ['data-state'] });
    (window as unknown as { overtime: { cut(): void } }).overtime.cut();
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
  const s = await page.evaluate(() => (window as unknown as { overtime: { stats(): Record<string, number> } }).overtime.stats());
  assert.ok(s['hashChecks']! > 60, `${s['hashChecks']} checks`);
  assert.equal(s['hashMismatches'], 0);
  assert.equal(s['decodeErrors'], 0);
  assert.equal(watcher.stats().hashMismatches, 0);
  assert.deepEqual(problems, []);
});

// The picture of the README: only when asked for, since it is never twice the same.
test('takes a picture', { skip: !process.env['SCREENSHOT'] }, async () => {
  await fight(Number(process.env['SCREENSHOT_SECONDS'] ?? 12));
  await page.screenshot({ path: repo('netcode/web/screenshot.png') });
});

/** Plays a little: walks about and shoots at the nearest enemy, until a good moment for a picture. */
async function fight(seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  const me = await player();
  for (let i = 0; ; i++) {
    const mine = bodyOf(watcher, me);
    const others = watcher.state.each('body').filter((b) => b.id !== mine?.id);
    const near = mine && others.map((b) => ({ b, d: Math.hypot(b['x']! - mine['x']!, b['y']! - mine['y']!) })).sort((p, q) => p.d - q.d)[0];
    if (mine && near) {
      const a = Math.atan2(near.b['y']! - mine['y']!, near.b['x']! - mine['x']!);
      await page.mouse.move(640 + Math.cos(a) * 260, 360 + Math.sin(a) * 260);
      if (near.d < 2000) await page.mouse.down();
      else await page.mouse.up();
      const good = near.d < 1500 && watcher.state.each('rocket').length > 0 && mine['health']! > 30;
      if (Date.now() > end && (good || Date.now() > end + 20_000)) return;
    }
    const key = KEYS[Math.floor(i / 8) % 4]![0];
    await page.keyboard.down(key);
    await new Promise((done) => setTimeout(done, 60));
    await page.keyboard.up(key);
  }
}
