// The page in headless Chromium against a real server with bots: it joins, moves when a key is pressed, as the server tells a second
// client that has nothing to do with the page, and comes back after its socket is cut.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Client } from '../src/index.js';
import { bodyOf, dataset, launch, Server, until } from './rig.js';

interface Hook {
  overtime: { cut(): void; stats(): Record<string, number>; rows(kind: string): Record<string, number>[] };
}

const KEYS = [['d', 'x', 1], ['a', 'x', -1], ['s', 'y', 1], ['w', 'y', -1]] as const;
/** A step a tick that no walking player makes: he was reborn elsewhere. */
const TELEPORT = 100;

let server: Server;
let browser: Browser;
let page: Page;
let watcher: Client;
/** Errors that the page reported; a refused connection is none, the browser logs it while the server is away. */
const problems: string[] = [];
/** What the server accepted for each of the page's sockets. */
const extensions: string[] = [];

before(async () => {
  server = await Server.start(6);
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1 });
  const cdp = await page.context().newCDPSession(page);
  cdp.on('Network.webSocketHandshakeResponseReceived', ({ response }) => {
    const name = Object.keys(response.headers).find((h) => h.toLowerCase() === 'sec-websocket-extensions');
    extensions.push(name ? response.headers[name]! : '');
  });
  await cdp.send('Network.enable');
  page.on('pageerror', (e) => problems.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && !/ERR_CONNECTION|WebSocket connection/.test(m.text()) && problems.push(m.text()));
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
  assert.ok(Math.abs(await walk(me, '', 'x')) < 50, 'he stands still while no key is pressed');
  let tries = 0;
  await until('a step in the direction of the key', async () => {
    const [key, axis, sign] = KEYS[tries++ % KEYS.length]!;
    return (await walk(me, key, axis)) * sign > 150;
  }, 40_000);
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
  if (key) await page.keyboard.down(key);
  await new Promise((done) => setTimeout(done, 500));
  if (key) await page.keyboard.up(key);
  stop();
  return moved;
}

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
  const s = await page.evaluate(() => (window as unknown as Hook).overtime.stats());
  assert.ok(s['hashChecks']! > 60, `${s['hashChecks']} checks`);
  assert.equal(s['hashMismatches'], 0);
  assert.equal(s['decodeErrors'], 0);
  assert.equal(extensions.length, 2, 'one socket, and one after the cut');
  for (const x of extensions) assert.ok(/permessage-deflate/.test(x) && !/server_no_context/.test(x), `no shared window: ${x}`);
  assert.equal(watcher.stats().hashMismatches, 0);
  const answers = watcher.state.one('overtime.ack');
  assert.ok(answers && answers['sample'] === 0, 'the watcher sends no controls');
  const ours = await until('60 samples answered', async () => {
    const row = await page.evaluate(() => (window as unknown as Hook).overtime.rows('overtime.ack')[0]);
    return row && row['sample']! >= 60 && row;
  });
  assert.ok(ours['applied']! + ours['merged']! > ours['sample']! * 0.8, JSON.stringify(ours));
  assert.deepEqual(problems, []);
});

test('finds another match after the server crashed', async () => {
  const was = await dataset(page);
  watcher.leave();
  await server.crash();
  const is = await until('another match', async () => {
    const d = await dataset(page);
    return d['state'] === 'playing' && d['match'] !== was['match'] && d;
  }, 30_000);
  await until('ticks there', async () => Number((await dataset(page))['tick']) >= Number(is['tick']) + 15);
  assert.deepEqual(problems, []);
});
