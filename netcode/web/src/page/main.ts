// The page: joins a match with one click and plays the arena in it.

import { Backoff, type Client, connect, type End, fetchMap, quickplay, route, type Ticket } from '../index.js';
import { Renderer } from './draw.js';
import { Effects } from './effects.js';
import { Hud } from './hud.js';
import { Input } from './input.js';
import { type ArenaMap, parseMap } from './map.js';
import { Minimap } from './minimap.js';
import { readScene, type Scene } from './scene.js';

/** Ends after which another match is worth trying: this one failed or is over, or the server has forgotten us in a restart. */
const TRY_ANOTHER = [4000, 4001, 4004, 4006];
const ANOTHER_MS = 3000;
/** Kind of the reliable messages in which an operator says something. */
const FROM_OPERATOR = 2;

const canvas = document.getElementById('view') as HTMLCanvasElement;
const form = document.getElementById('join') as HTMLFormElement;
const name = document.getElementById('name') as HTMLInputElement;
const play = document.getElementById('play') as HTMLButtonElement;
const notice = document.getElementById('notice')!;
const input = new Input(canvas);
const renderer = new Renderer(canvas);
const minimap = new Minimap(document.getElementById('minimap') as HTMLCanvasElement);
const hud = new Hud();
const data = document.body.dataset;

let client: Client | undefined;
let map: ArenaMap | undefined;
let effects = new Effects();
let joining = false;

const query = new URLSearchParams(location.search);
name.value = query.get('name') ?? remembered();
form.addEventListener('submit', (e) => {
  e.preventDefault();
  name.blur();
  void join();
});
if (query.get('autoplay') === '1') void join();

/** The name of the last visit; browsers may refuse to say. */
function remembered(name?: string): string {
  try {
    if (name !== undefined) localStorage.setItem('name', name);
    return localStorage.getItem('name') ?? '';
  } catch {
    return name ?? '';
  }
}

/** Asks the server for a match until it gives one, then plays. */
async function join(): Promise<void> {
  if (joining) return;
  joining = true;
  play.disabled = true;
  data['state'] = 'connecting';
  notice.textContent = 'Looking for a match…';
  remembered(name.value.trim());
  const backoff = new Backoff();
  for (;;) {
    try {
      start(await quickplay(location.href, { name: name.value.trim() }));
      break;
    } catch (err) {
      notice.textContent = `No match yet: ${err instanceof Error ? err.message : String(err)}`;
      await new Promise((done) => setTimeout(done, 300 + backoff.next()));
    }
  }
  joining = false;
}

function start(ticket: Ticket): void {
  // A server that is alone can only say what the connection says already.
  const locate = () => (c.welcome?.standby ? route(location.href, ticket.matchId) : Promise.reject(new Error('alone')));
  const c: Client = connect({ ...ticket, locate });
  client = c;
  map = undefined;
  effects = new Effects();
  effects.onKill = (k) => hud.kill(k);
  c.on('phase', (p) => (data['state'] = p));
  c.on('tick', () => (data['tick'] = String(c.tick)));
  c.on('end', ended);
  c.on('message', (m) => {
    if (m.kind === FROM_OPERATOR) hud.told(new TextDecoder().decode(m.data));
  });
  c.on('welcome', (w) => {
    data['player'] = String(w.player);
    data['match'] = w.match;
    if (!map) void loadMap(c, w.mapHash);
  });
  c.controls(() => input.read());
}

async function loadMap(c: Client, hash: string): Promise<void> {
  const backoff = new Backoff();
  while (client === c && c.phase !== 'ended') {
    try {
      const m = parseMap(await fetchMap(location.href, hash));
      if (client === c) map = m;
      return;
    } catch (err) {
      console.warn('map:', err);
      await new Promise((done) => setTimeout(done, 300 + backoff.next()));
    }
  }
}

function ended(e: End): void {
  play.disabled = false;
  play.textContent = 'Play again';
  notice.textContent = `The match has ended for you: ${e.text}.`;
  if (TRY_ANOTHER.includes(e.code)) setTimeout(() => void join(), ANOTHER_MS);
}

let before = performance.now();
let scene: Scene | undefined;
let held = false;

function draw(now: number): void {
  requestAnimationFrame(draw);
  const dt = Math.min(0.1, (now - before) / 1000);
  before = now;
  if (!client || !map || client.tick === 0 || held) return;
  scene = readScene(client, client.moment());
  if (scene.me) input.origin = renderer.toScreen(scene.me.x, scene.me.y);
  input.turn();
  effects.watch(scene, map);
  effects.pass(dt);
  renderer.paint(scene, map, effects, input.aim, dt);
  minimap.paint(scene, map, now);
  hud.update(scene, client, effects, now);
}
requestAnimationFrame(draw);

// For tests and pictures: looks at the client, cuts its connection, holds the picture still.
Object.assign(window, {
  overtime: {
    get client() {
      return client;
    },
    cut: () => client?.cut(),
    stats: () => client?.stats(),
    rows: (kind: string) => client?.state.each(kind) ?? [],
    scene: () => scene,
    effects: () => effects,
    where: (x: number, y: number) => renderer.toScreen(x, y),
    hold: (still: boolean) => (held = still),
  },
});
