// Paints one frame of the arena.

import type { Effects } from './effects.js';
import { type ArenaMap, paintMap, UNITS } from './map.js';
import { type Body, num, type Scene } from './scene.js';

const BODY = 60; // drawn radius of a player, position units
/** Tiles that fit on the shorter and on the longer side of the screen. */
const ACROSS = 10;
const ALONG = 17.5;

export class Renderer {
  private readonly c: CanvasRenderingContext2D;
  private floor: HTMLCanvasElement | undefined;
  private floorOf: ArenaMap | undefined;
  private width = 0; // CSS pixels
  private height = 0;
  private ratio = 1;
  /** Screen pixels per position unit, and the position at the top left corner. */
  private scale = 1;
  private left = 0;
  private top = 0;
  private focus: { x: number; y: number } | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.c = canvas.getContext('2d', { alpha: false })!;
  }

  /** Where a position is on the screen, CSS pixels. */
  toScreen(x: number, y: number): { x: number; y: number } {
    return { x: (x - this.left) * this.scale, y: (y - this.top) * this.scale };
  }

  /** Paints the scene; aim is where the player aims now, dt the time since the last frame in s. */
  paint(s: Scene, map: ArenaMap, fx: Effects, aim: number, dt: number): void {
    this.fit(map);
    this.follow(s, map, aim, dt);
    const c = this.c;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.fillStyle = '#080b11';
    c.fillRect(0, 0, this.width, this.height);
    const shake = fx.shake * fx.shake * 9;
    c.translate((Math.random() - 0.5) * shake, (Math.random() - 0.5) * shake);
    c.scale(this.scale, this.scale);
    c.translate(-this.left, -this.top);
    c.drawImage(this.floor!, 0, 0, map.width * map.tile, map.height * map.tile);
    for (const p of s.pickups) this.pickup(num(p, 'x'), num(p, 'y'), num(p, 'type'), num(p, 'up') > 0, s.tick / s.hz);
    for (const b of s.bodies) this.shadow(b);
    this.tracers(fx);
    for (const r of s.rockets) this.rocket(num(r, 'x'), num(r, 'y'));
    for (const b of s.bodies) if (!b.me) this.body(b, b.aim, fx);
    if (s.me) this.body(s.me, aim, fx);
    this.glows(fx);
    for (const b of s.bodies) this.label(b);
  }

  /** Sizes the canvas to the window, and paints the floor anew when its scale changed. */
  private fit(map: ArenaMap): void {
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (innerWidth !== this.width || innerHeight !== this.height || ratio !== this.ratio) {
      this.width = innerWidth;
      this.height = innerHeight;
      this.ratio = ratio;
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(this.height * ratio);
      this.floor = undefined;
    }
    const short = Math.min(this.width, this.height);
    const long = Math.max(this.width, this.height);
    const tile = Math.max(short / ACROSS, long / ALONG);
    this.scale = tile / map.tile;
    if (this.floor && this.floorOf === map) return;
    const most = 8192 / Math.max(map.width, map.height); // canvases have a largest size
    this.floor = paintMap(map, Math.max(8, Math.floor(Math.min(tile * ratio, most))));
    this.floorOf = map;
  }

  /** Moves the view: to the player, a little towards where he aims; it stays where he died. */
  private follow(s: Scene, map: ArenaMap, aim: number, dt: number): void {
    const w = this.width / this.scale;
    const h = this.height / this.scale;
    const target = s.me
      ? { x: s.me.x + Math.cos(aim) * w * 0.05, y: s.me.y + Math.sin(aim) * h * 0.07 }
      : this.focus ?? { x: (map.width * map.tile) / 2, y: (map.height * map.tile) / 2 };
    const from = this.focus ?? target;
    const far = Math.hypot(target.x - from.x, target.y - from.y) > w / 2;
    const t = far ? 1 : 1 - Math.exp(-dt * 14);
    this.focus = { x: from.x + (target.x - from.x) * t, y: from.y + (target.y - from.y) * t };
    this.left = within(this.focus.x - w / 2, w, map.width * map.tile);
    this.top = within(this.focus.y - h / 2, h, map.height * map.tile);
  }

  private circle(x: number, y: number, r: number): void {
    this.c.beginPath();
    this.c.arc(x, y, Math.max(0, r), 0, 2 * Math.PI);
  }

  private shadow(b: Body): void {
    this.c.fillStyle = 'rgb(0 0 0 / 38%)';
    this.circle(b.x + 7, b.y + 15, BODY * 1.02);
    this.c.fill();
  }

  private body(b: Body, aim: number, fx: Effects): void {
    const c = this.c;
    const hit = fx.hitAge.get(b.id) ?? 1;
    const shot = fx.shotAge.get(b.id) ?? 1;
    c.save();
    c.translate(b.x, b.y);
    if (b.me) this.halo();
    c.rotate(aim);
    const kick = Math.max(0, 1 - shot / 0.09) * 14;
    c.fillStyle = '#c9d5ea';
    c.fillRect(26 - kick, -13, 80, 26); // the gun
    c.fillStyle = '#5d6c86';
    c.fillRect(84 - kick, -13, 22, 26);
    if (shot < 0.05) this.flash(112);
    c.fillStyle = hit < 0.09 ? '#ffffff' : b.color;
    this.circle(0, 0, BODY);
    c.fill();
    c.fillStyle = 'rgb(5 9 16 / 34%)'; // shade away from the light
    this.circle(0, 0, BODY * 0.62);
    c.fill();
    c.fillStyle = hit < 0.09 ? '#ffffff' : b.color;
    this.circle(8, 0, BODY * 0.4);
    c.fill();
    c.restore();
    c.lineWidth = 6;
    c.strokeStyle = 'rgb(4 7 12 / 65%)';
    this.circle(b.x, b.y, BODY);
    c.stroke();
  }

  private halo(): void {
    const c = this.c;
    const g = c.createRadialGradient(0, 0, BODY * 0.8, 0, 0, BODY * 2.4);
    g.addColorStop(0, 'rgb(87 224 255 / 26%)');
    g.addColorStop(1, 'rgb(87 224 255 / 0%)');
    c.fillStyle = g;
    this.circle(0, 0, BODY * 2.4);
    c.fill();
  }

  private flash(x: number): void {
    const c = this.c;
    c.fillStyle = '#fff3cf';
    c.beginPath();
    c.moveTo(x - 12, 0);
    c.lineTo(x + 8, -24);
    c.lineTo(x + 46, 0);
    c.lineTo(x + 8, 24);
    c.fill();
  }

  /** Name and health above a player. */
  private label(b: Body): void {
    const c = this.c;
    const y = b.y - BODY - 30;
    const w = 130;
    c.fillStyle = 'rgb(4 7 12 / 75%)';
    c.fillRect(b.x - w / 2 - 4, y - 4, w + 8, 18);
    c.fillStyle = b.health > 60 ? '#6fe3a1' : b.health > 30 ? '#ffcf5c' : '#ff5d6c';
    c.fillRect(b.x - w / 2, y, (w * Math.min(100, b.health)) / 100, 10);
    if (!b.name) return;
    c.font = `${b.me ? 700 : 600} ${13 / this.scale}px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif`;
    c.textAlign = 'center';
    c.textBaseline = 'alphabetic';
    c.lineJoin = 'round';
    c.lineWidth = 3.5 / this.scale;
    c.strokeStyle = 'rgb(4 7 12 / 80%)';
    c.strokeText(b.name, b.x, y - 14);
    c.fillStyle = b.me ? '#ffffff' : '#d3ddef';
    c.fillText(b.name, b.x, y - 14);
  }

  private pickup(x: number, y: number, type: number, up: boolean, seconds: number): void {
    const c = this.c;
    const color = type === 1 ? '111 227 161' : '255 180 84';
    c.strokeStyle = `rgb(${color} / ${up ? 45 : 14}%)`;
    c.lineWidth = 5;
    this.circle(x, y, 62);
    c.stroke();
    if (!up) return;
    const r = 34 + Math.sin(seconds * 4 + x) * 3;
    c.fillStyle = `rgb(${color} / 14%)`;
    this.circle(x, y, 58);
    c.fill();
    c.fillStyle = `rgb(${color})`;
    if (type === 1) {
      c.fillRect(x - r, y - r / 3, 2 * r, (2 * r) / 3);
      c.fillRect(x - r / 3, y - r, (2 * r) / 3, 2 * r);
      return;
    }
    c.beginPath();
    c.moveTo(x, y - r);
    c.lineTo(x + r * 0.5, y - r * 0.2);
    c.lineTo(x + r * 0.5, y + r * 0.9);
    c.lineTo(x - r * 0.5, y + r * 0.9);
    c.lineTo(x - r * 0.5, y - r * 0.2);
    c.fill();
  }

  private rocket(x: number, y: number): void {
    const c = this.c;
    const g = c.createRadialGradient(x, y, 4, x, y, 90);
    g.addColorStop(0, 'rgb(255 214 150 / 75%)');
    g.addColorStop(0.35, 'rgb(255 150 60 / 32%)');
    g.addColorStop(1, 'rgb(255 120 40 / 0%)');
    c.fillStyle = g;
    this.circle(x, y, 90);
    c.fill();
    c.fillStyle = '#fff1d6';
    this.circle(x, y, 20);
    c.fill();
  }

  private tracers(fx: Effects): void {
    const c = this.c;
    c.globalCompositeOperation = 'lighter';
    c.lineCap = 'round';
    for (const t of fx.tracers) {
      const fade = 1 - t.age / 0.11;
      c.globalAlpha = fade * 0.45;
      c.strokeStyle = t.color;
      c.lineWidth = 22;
      line(c, t.x, t.y, t.tx, t.ty);
      c.globalAlpha = fade;
      c.strokeStyle = '#fff6e2';
      c.lineWidth = 6;
      line(c, t.x, t.y, t.tx, t.ty);
    }
    c.globalAlpha = 1;
    c.globalCompositeOperation = 'source-over';
  }

  private glows(fx: Effects): void {
    const c = this.c;
    c.globalCompositeOperation = 'lighter';
    for (const b of fx.blasts) {
      const t = b.age / b.life;
      const grow = 1 - (1 - t) * (1 - t);
      c.globalAlpha = (1 - t) * 0.9;
      if (b.radius < 0) {
        c.strokeStyle = b.color;
        c.lineWidth = 16 * (1 - t) + 2;
        this.circle(b.x, b.y, -b.radius * grow);
        c.stroke();
        continue;
      }
      const r = b.radius * (0.45 + 0.55 * grow);
      const g = c.createRadialGradient(b.x, b.y, 0, b.x, b.y, r);
      g.addColorStop(0, '#fff2d0');
      g.addColorStop(0.4, b.color);
      g.addColorStop(1, 'rgb(255 90 30 / 0%)');
      c.fillStyle = g;
      this.circle(b.x, b.y, r);
      c.fill();
    }
    for (const p of fx.particles) {
      c.globalAlpha = 1 - p.age / p.life;
      c.fillStyle = p.color;
      c.fillRect(p.x - p.size / 2, p.y - p.size / 2, p.size, p.size);
    }
    c.globalAlpha = 1;
    c.globalCompositeOperation = 'source-over';
  }
}

/** Keeps a view of a size inside the world, or the world in the middle of a larger view. */
function within(at: number, view: number, world: number): number {
  const margin = 24 * UNITS;
  if (view >= world + 2 * margin) return (world - view) / 2;
  return Math.max(-margin, Math.min(world + margin - view, at));
}

function line(c: CanvasRenderingContext2D, x: number, y: number, tx: number, ty: number): void {
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(tx, ty);
  c.stroke();
}
