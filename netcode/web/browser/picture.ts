// Takes the README's picture of the page: joins a match full of bots, fights, and holds the picture still when there is something to
// see. npm run picture, after make build.

import type { Page } from 'playwright-core';
import { repo } from '../test/repo.js';
import { dataset, Server, until } from './rig.js';
import { launch } from './tab.js';

interface At { x: number; y: number }
interface Hook {
  scene(): { me?: At & { health: number }; bodies: (At & { me: boolean })[]; rockets: At[] } | undefined;
  effects(): { tracers: At[]; blasts: (At & { age: number })[] };
  where(x: number, y: number): At;
  hold(still: boolean): void;
}
declare const window: { overtime: Hook };

const server = await Server.start(11);
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1 });
  await page.goto(`${server.url}/?autoplay=1&name=Ada`);
  await until('playing', async () => (await dataset(page))['state'] === 'playing');
  await fight(page, Number(process.env['SECONDS'] ?? 25));
  await page.screenshot({ path: repo('netcode/web/screenshot.png') });
} finally {
  await browser.close();
  await server.stop();
}

/** Walks about and shoots at the nearest enemy; after some seconds waits for a good moment and holds it. */
async function fight(page: Page, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (let i = 0; ; i++) {
    const near = await page.evaluate(() => {
      const s = window.overtime.scene();
      const me = s?.me;
      if (!s || !me) return undefined;
      const others = s.bodies.filter((b) => !b.me).map((b) => ({ d: Math.hypot(b.x - me.x, b.y - me.y), ...window.overtime.where(b.x, b.y) }));
      return others.sort((a, b) => a.d - b.d)[0];
    });
    if (near) {
      await page.mouse.move(Math.min(1279, Math.max(1, near.x)), Math.min(719, Math.max(1, near.y)));
      if (near.d < 1800) await page.mouse.down();
      else await page.mouse.up();
    }
    if (Date.now() > end && (await page.evaluate(pose, Date.now() > end + 40_000 ? 0 : 9))) return;
    const key = ['d', 's', 'a', 'w'][Math.floor(i / 10) % 4]!;
    await page.keyboard.down(key);
    await new Promise((done) => setTimeout(done, 60));
    await page.keyboard.up(key);
  }
}

/** Runs in the page: holds the picture if enough of it is worth seeing. */
function pose(wanted: number): boolean {
  const { scene, effects, where, hold } = window.overtime;
  const s = scene();
  const seen = (p: At) => {
    const { x, y } = where(p.x, p.y);
    return x > 60 && x < 1220 && y > 60 && y < 660;
  };
  if (!s?.me || s.me.health < 40) return false;
  const fx = effects();
  const fresh = fx.blasts.filter((b) => b.age < 0.25).filter(seen).length;
  const shots = fx.tracers.filter(seen).length;
  const score = s.bodies.filter(seen).length + 2 * s.rockets.filter(seen).length + shots + 2 * fresh;
  if (wanted > 0 && (score < wanted || shots === 0)) return false;
  hold(true);
  return true;
}
