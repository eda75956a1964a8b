// The whole map in a corner, with everybody on it as a dot.

import { type ArenaMap, isWall } from './map.js';
import { num, type Scene } from './scene.js';

/** CSS pixels of its longer side. */
const SIZE = 168;
/** Times a second that it is drawn: dots need no more. */
const RATE = 15;

export class Minimap {
  private readonly c: CanvasRenderingContext2D;
  private walls: Path2D | undefined;
  private of: ArenaMap | undefined;
  private drawnAt = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.c = canvas.getContext('2d')!;
  }

  paint(s: Scene, map: ArenaMap, now: number): void {
    if (now - this.drawnAt < 1000 / RATE) return;
    this.drawnAt = now;
    if (this.of !== map) this.fit(map);
    const c = this.c;
    c.clearRect(0, 0, map.width * map.tile, map.height * map.tile);
    c.fillStyle = 'rgb(120 150 205 / 38%)';
    c.fill(this.walls!);
    for (const p of s.pickups) {
      if (num(p, 'up') > 0) this.dot(num(p, 'x'), num(p, 'y'), 50, num(p, 'type') === 1 ? 'rgb(111 227 161 / 55%)' : 'rgb(255 180 84 / 55%)');
    }
    for (const b of s.bodies) if (!b.me) this.dot(b.x, b.y, 85, b.color);
    if (!s.me) return;
    this.dot(s.me.x, s.me.y, 150, 'rgb(87 224 255 / 28%)');
    this.dot(s.me.x, s.me.y, 95, '#ffffff');
  }

  private fit(map: ArenaMap): void {
    this.of = map;
    const scale = SIZE / Math.max(map.width, map.height);
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.canvas.style.width = `${map.width * scale}px`;
    this.canvas.style.height = `${map.height * scale}px`;
    this.canvas.width = Math.round(map.width * scale * ratio);
    this.canvas.height = Math.round(map.height * scale * ratio);
    this.c.setTransform((scale * ratio) / map.tile, 0, 0, (scale * ratio) / map.tile, 0, 0);
    this.walls = new Path2D();
    for (let y = 0; y < map.height; y++) {
      for (let x = 0; x < map.width; x++) if (isWall(map, x, y)) this.walls.rect(x * map.tile, y * map.tile, map.tile, map.tile);
    }
  }

  private dot(x: number, y: number, r: number, color: string): void {
    this.c.fillStyle = color;
    this.c.beginPath();
    this.c.arc(x, y, r, 0, 2 * Math.PI);
    this.c.fill();
  }
}
