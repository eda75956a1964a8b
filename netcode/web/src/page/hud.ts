// Everything on the screen that is text: scores, clock, kills, health, numbers of the connection.

import type { Client } from '../index.js';
import type { Effects, Kill } from './effects.js';
import { num, type Scene, type ScoreLine } from './scene.js';

const LINES = 10;
const FEED = 6;
const FEED_MS = 5000;
const TOLD_MS = 20_000;
/** States of the row overtime.match. */
const WAITING = 0;
const ENDED = 2;
const TEAM_NAMES = ['', 'Red', 'Blue'];
const WEAPONS = ['', 'rifle', 'rocket'];

const el = (id: string): HTMLElement => document.getElementById(id)!;

/** Writes only what changed: layout is expensive. */
function text(e: HTMLElement, s: string): void {
  if (e.textContent !== s) e.textContent = s;
}

export class Hud {
  private scoreKey = '';
  private rocketKey = '';
  private bannerKey = '';
  private statsAt = 0;

  /** Brings the text up to date; call it every frame. */
  update(s: Scene, client: Client, fx: Effects, now: number): void {
    this.clock(s);
    this.scores(s);
    this.vitals(s);
    this.banner(s, client);
    el('damage').style.opacity = String(fx.pain * 0.8);
    if (now - this.statsAt > 250) {
      this.statsAt = now;
      this.stats(client);
    }
  }

  /** A line in the list of kills. */
  kill(k: Kill): void {
    const li = document.createElement('li');
    li.classList.toggle('mine', k.mine);
    const name = (s: string, color: string) => {
      const b = document.createElement('b');
      b.textContent = s;
      b.style.color = color;
      return b;
    };
    const how = document.createElement('span');
    how.className = 'with';
    how.textContent = k.killer ? WEAPONS[k.weapon] || 'killed' : 'died';
    if (k.killer) li.append(name(k.killer, k.killerColor), how, name(k.victim, k.victimColor));
    else li.append(name(k.victim, k.victimColor), how);
    this.feed(li, FEED_MS);
  }

  /** What an operator says, above the kills and for longer. */
  told(text: string): void {
    const li = document.createElement('li');
    li.className = 'mine';
    li.textContent = text;
    this.feed(li, TOLD_MS);
  }

  private feed(li: HTMLElement, ms: number): void {
    const feed = el('feed');
    feed.prepend(li);
    while (feed.children.length > FEED) feed.lastElementChild!.remove();
    setTimeout(() => li.classList.add('old'), ms);
    setTimeout(() => li.remove(), ms + 700);
  }

  /** A message in the middle, until the next; an empty one takes it away. */
  say(big: string, small = ''): void {
    const key = `${big}\n${small}`;
    if (key === this.bannerKey) return;
    this.bannerKey = key;
    const b = el('banner');
    b.classList.toggle('on', big !== '');
    if (!big) return;
    b.textContent = big;
    const sub = document.createElement('small');
    sub.textContent = small;
    b.append(sub);
  }

  private clock(s: Scene): void {
    const end = num(s.match, 'end');
    const left = Math.max(0, Math.ceil((end - s.tick) / s.hz));
    const c = el('clock');
    text(c, end ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}` : '');
    c.classList.toggle('last', end > 0 && left <= 20);
    const teams = num(s.match, 'mode') === 1;
    el('teams').hidden = !teams;
    if (teams) {
      text(el('teams').children[0] as HTMLElement, String(num(s.match, 'red')));
      text(el('teams').children[2] as HTMLElement, String(num(s.match, 'blue')));
    }
    const limit = num(s.match, 'limit');
    text(el('goal'), limit ? `first to ${limit}` : '');
  }

  private scores(s: Scene): void {
    let lines = s.scores.slice(0, LINES);
    const me = s.scores.find((l) => l.me);
    if (me && !lines.includes(me)) lines = [...lines.slice(0, LINES - 1), me];
    const key = lines.map((l) => `${l.player} ${l.name} ${l.score} ${l.deaths} ${l.online} ${l.color}`).join();
    if (key === this.scoreKey) return;
    this.scoreKey = key;
    const head = row('', '', 'kills', 'deaths', '');
    head.className = 'head';
    el('scores').replaceChildren(head, ...lines.map(scoreRow));
  }

  private vitals(s: Scene): void {
    const health = s.me?.health ?? 0;
    const bar = document.querySelector<HTMLElement>('.bar.health')!;
    (bar.firstElementChild as HTMLElement).style.transform = `scaleX(${Math.min(1, health / 100)})`;
    bar.classList.toggle('low', health <= 30);
    text(bar.lastElementChild as HTMLElement, health > 0 ? String(health) : '');
    el('vitals').classList.toggle('dead', !s.me);
    const ammo = num(s.self, 'ammo');
    el('rockets').classList.toggle('wait', num(s.self, 'ready') > s.tick);
    if (`${ammo}` === this.rocketKey) return;
    this.rocketKey = `${ammo}`;
    const icons = Array.from({ length: Math.min(ammo, 8) }, () => document.createElement('i'));
    if (ammo > 8) {
      const more = document.createElement('i');
      more.className = 'more';
      more.textContent = `+${ammo - 8}`;
      icons.push(more);
    }
    el('rockets').replaceChildren(...icons);
  }

  private banner(s: Scene, client: Client): void {
    const state = num(s.phase, 'state');
    const respawn = num(s.self, 'respawn');
    text(el('hint'), respawn > s.tick && state !== ENDED ? `back in ${((respawn - s.tick) / s.hz).toFixed(1)} s` : '');
    if (client.phase === 'reconnecting') this.say('Connection lost', 'coming back…');
    else if (state === WAITING && s.phase) this.say('Waiting for players');
    else if (state === ENDED) this.say(winnerText(s), nextText(s));
    else this.say('');
  }

  private stats(client: Client): void {
    const s = client.stats();
    const parts: [string, string][] = [
      ['ping', `${s.pingMs.toFixed(0)} ms`],
      ['tick', String(s.tick)],
      ['in', `${(s.bytesPerSecond / 1000).toFixed(2)} kB/s`],
      ['frames', `${s.framesPerSecond.toFixed(0)}/s`],
    ];
    if (s.hashMismatches > 0) parts.push(['mismatches', String(s.hashMismatches)]);
    if (s.reconnects > 0) parts.push(['reconnects', String(s.reconnects)]);
    const nodes = parts.flatMap(([name, value]) => {
      const b = document.createElement('b');
      b.textContent = value;
      return [`${name} `, b, '   '];
    });
    el('stats').replaceChildren(...nodes);
  }
}

function winnerText(s: Scene): string {
  const w = num(s.match, 'winner');
  if (!w) return 'Draw';
  if (num(s.match, 'mode') === 1) return `${TEAM_NAMES[w] ?? `Team ${w}`} wins`;
  const line = s.scores.find((l) => l.player === w);
  return line?.me ? 'You win' : `${line?.name ?? `Player ${w}`} wins`;
}

function nextText(s: Scene): string {
  const until = num(s.phase, 'until');
  return until > s.tick ? `next round in ${Math.ceil((until - s.tick) / s.hz)} s` : '';
}

function scoreRow(l: ScoreLine): HTMLElement {
  const li = row(l.color, l.name, String(l.score), String(l.deaths), l.me ? 'me' : '');
  if (!l.online) li.classList.add('away');
  return li;
}

function row(color: string, name: string, score: string, deaths: string, className: string): HTMLElement {
  const li = document.createElement('li');
  if (className) li.className = className;
  const cell = (tag: string, cls: string, s: string) => {
    const e = document.createElement(tag);
    e.className = cls;
    e.textContent = s;
    return e;
  };
  const dot = cell('i', 'dot', '');
  dot.style.background = color || 'none';
  li.append(dot, cell('span', 'name', name), cell('span', 'n', score), cell('span', 'd', deaths));
  return li;
}
