// What is seen for a moment: tracers, sparks, explosions, flashes. All follows from rows that came, went or counted on; nothing
// of it is sent.

import type { Body, Scene } from './scene.js';
import { type ArenaMap, wallDistance } from './map.js';

/** Reach of a rifle shot, and radii to hit a body and of a rocket's explosion, in position units. */
const REACH = 2560;
const HIT_RADIUS = 64;
const BLAST = 320;
/** Counters are 8 bits; a larger step is a new life, not a burst. */
const MAX_BURST = 6;

export interface Tracer { x: number; y: number; tx: number; ty: number; color: string; age: number }
export interface Particle { x: number; y: number; vx: number; vy: number; age: number; life: number; size: number; color: string }
export interface Blast { x: number; y: number; radius: number; age: number; life: number; color: string }

export interface Kill { killer: string; killerColor: string; victim: string; victimColor: string; weapon: number; mine: boolean }

interface Seen { player: number; x: number; y: number; shots: number; hits: number; color: string }

export class Effects {
  readonly tracers: Tracer[] = [];
  readonly particles: Particle[] = [];
  readonly blasts: Blast[] = [];
  /** Time in s since a body was hit or fired, by id, for flashes. */
  readonly hitAge = new Map<number, number>();
  readonly shotAge = new Map<number, number>();
  /** 0 to 1: how much the picture shakes, and how hard we were hit just now. */
  shake = 0;
  pain = 0;
  onKill: (k: Kill) => void = () => {};

  private bodies = new Map<number, Seen>();
  private rockets = new Map<number, { x: number; y: number }>();
  private deaths = new Map<number, number>();
  /** Where players were whose body has gone, by number. */
  private lost = new Map<number, Seen>();
  private round = -1;

  /** Looks at the scene of this frame and compares it with the last one's. */
  watch(s: Scene, map: ArenaMap): void {
    const round = s.phase?.['round'] ?? 0;
    if (round !== this.round) this.forget(round);
    this.watchBodies(s, map);
    this.watchRockets(s);
    this.watchDeaths(s);
  }

  /** Lets time pass, in s. */
  pass(dt: number): void {
    age(this.tracers, dt, () => 0.11);
    age(this.blasts, dt, (b) => b.life);
    for (const p of this.particles) {
      p.x += p.vx * dt;
      p.y += p.vy * dt;
      p.vx *= 1 - 3 * dt;
      p.vy *= 1 - 3 * dt;
    }
    age(this.particles, dt, (p) => p.life);
    for (const m of [this.hitAge, this.shotAge]) {
      for (const [id, t] of m) t > 0.3 ? m.delete(id) : m.set(id, t + dt);
    }
    this.shake = Math.max(0, this.shake - dt * 2.5);
    this.pain = Math.max(0, this.pain - dt * 2.2);
  }

  private forget(round: number): void {
    this.round = round;
    this.bodies.clear();
    this.rockets.clear();
    this.deaths.clear();
    this.lost.clear();
  }

  private watchBodies(s: Scene, map: ArenaMap): void {
    const now = new Map<number, Seen>();
    for (const b of s.bodies) {
      now.set(b.id, { player: b.player, x: b.x, y: b.y, shots: b.shots, hits: b.hits, color: b.color });
      const was = this.bodies.get(b.id);
      if (!was) {
        this.lost.delete(b.player);
        this.ring(b.x, b.y, 110, 0.45, b.color);
        continue;
      }
      const shots = (b.shots - was.shots) & 0xff;
      if (shots > 0 && shots <= MAX_BURST) this.shoot(b, s, map);
      const hits = (b.hits - was.hits) & 0xff;
      if (hits > 0 && hits <= MAX_BURST) this.hit(b);
    }
    for (const [id, was] of this.bodies) {
      if (!now.has(id)) this.lost.set(was.player, was); // dead, or out of sight in the fog: his deaths tell
    }
    this.bodies = now;
  }

  private shoot(b: Body, s: Scene, map: ArenaMap): void {
    this.shotAge.set(b.id, 0);
    const dx = Math.cos(b.aim);
    const dy = Math.sin(b.aim);
    let reach = wallDistance(map, b.x, b.y, dx, dy, REACH);
    for (const o of s.bodies) {
      if (o.id === b.id) continue;
      const along = (o.x - b.x) * dx + (o.y - b.y) * dy;
      const off = Math.abs((o.x - b.x) * dy - (o.y - b.y) * dx);
      if (along > 0 && off < HIT_RADIUS) reach = Math.min(reach, Math.max(0, along - HIT_RADIUS / 2));
    }
    const tx = b.x + dx * reach;
    const ty = b.y + dy * reach;
    this.tracers.push({ x: b.x + dx * 84, y: b.y + dy * 84, tx, ty, color: b.color, age: 0 });
    if (reach < REACH) this.sparks(tx, ty, 5, 500, '#ffe2b0', b.aim + Math.PI, 1.1);
  }

  private hit(b: Body): void {
    this.hitAge.set(b.id, 0);
    this.sparks(b.x, b.y, 7, 620, b.color);
    if (!b.me) return;
    this.pain = Math.min(1, this.pain + 0.45);
    this.shake = Math.min(1, this.shake + 0.3);
  }

  private die(was: Seen): void {
    this.sparks(was.x, was.y, 34, 1100, was.color);
    this.ring(was.x, was.y, 240, 0.5, was.color);
  }

  private watchRockets(s: Scene): void {
    const now = new Map<number, { x: number; y: number }>();
    for (const r of s.rockets) {
      const at = { x: r['x'] ?? 0, y: r['y'] ?? 0 };
      now.set(r.id, at);
      const was = this.rockets.get(r.id);
      if (was) this.smoke(was, at);
    }
    for (const [id, was] of this.rockets) {
      if (!now.has(id)) this.explode(was, s);
    }
    this.rockets = now;
  }

  private explode(at: { x: number; y: number }, s: Scene): void {
    this.blasts.push({ ...at, radius: BLAST, age: 0, life: 0.38, color: '#ffb454' });
    this.ring(at.x, at.y, BLAST, 0.45, '#ffd9a0');
    this.sparks(at.x, at.y, 26, 1500, '#ffb454');
    const d = s.me ? Math.hypot(s.me.x - at.x, s.me.y - at.y) : Infinity;
    this.shake = Math.min(1, this.shake + Math.max(0, 0.7 - d / 2400));
  }

  private smoke(was: { x: number; y: number }, at: { x: number; y: number }): void {
    if (this.particles.length > 500) return;
    this.particles.push({
      x: (was.x + at.x) / 2, y: (was.y + at.y) / 2, vx: spread(60), vy: spread(60), age: 0, life: 0.45, size: 16, color: '#8b93a5',
    });
  }

  private watchDeaths(s: Scene): void {
    const lines = new Map(s.scores.map((l) => [l.player, l]));
    for (const l of s.scores) {
      const was = this.deaths.get(l.player);
      this.deaths.set(l.player, l.deaths);
      if (was === undefined || l.deaths <= was) continue;
      const where = this.lost.get(l.player) ?? [...this.bodies.values()].find((b) => b.player === l.player);
      if (where) this.die(where);
      this.lost.delete(l.player);
      const k = lines.get(l.by);
      const self = !k || l.by === l.player;
      this.onKill({
        killer: self ? '' : k.name, killerColor: k?.color ?? '', victim: l.name, victimColor: l.color,
        weapon: l.with, mine: l.me || (k?.me ?? false),
      });
    }
  }

  private ring(x: number, y: number, radius: number, life: number, color: string): void {
    this.blasts.push({ x, y, radius: -radius, age: 0, life, color }); // negative: an outline only
  }

  private sparks(x: number, y: number, n: number, speed: number, color: string, toward = 0, cone = Math.PI): void {
    if (this.particles.length > 700) return;
    for (let i = 0; i < n; i++) {
      const a = toward + spread(cone);
      const v = speed * (0.3 + 0.7 * Math.random());
      this.particles.push({
        x, y, vx: Math.cos(a) * v, vy: Math.sin(a) * v, age: 0, life: 0.25 + Math.random() * 0.35, size: 7 + Math.random() * 7, color,
      });
    }
  }
}

function spread(r: number): number {
  return (Math.random() * 2 - 1) * r;
}

function age<T extends { age: number }>(list: T[], dt: number, life: (x: T) => number): void {
  let kept = 0;
  for (const x of list) {
    x.age += dt;
    if (x.age < life(x)) list[kept++] = x;
  }
  list.length = kept;
}
