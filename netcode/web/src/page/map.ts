// The static part of the arena: walls and floor, from JSON, and how they look.

/** Position units of the game per pixel of the page at zoom 1. */
export const UNITS = 4;

export interface ArenaMap {
  readonly tile: number;
  readonly width: number;
  readonly height: number;
  readonly rows: readonly string[];
}

/** Checks what came over the network; throws on nonsense. */
export function parseMap(v: unknown): ArenaMap {
  const m = v as ArenaMap;
  const ok = m && m.tile > 0 && m.width > 0 && m.height > 0 && m.width * m.height <= 1 << 20 && Array.isArray(m.rows);
  if (!ok || m.rows.length !== m.height) throw new Error('the map cannot be read');
  return m;
}

/** Whether a tile is a wall; everything outside the map is. */
export function isWall(m: ArenaMap, tx: number, ty: number): boolean {
  return (m.rows[ty]?.[tx] ?? '#') === '#';
}

/** Distance from a point along a direction to the first wall, at most limit; all in position units (A. Woo's grid walk). */
export function wallDistance(m: ArenaMap, x: number, y: number, dx: number, dy: number, limit: number): number {
  let tx = Math.floor(x / m.tile);
  let ty = Math.floor(y / m.tile);
  const sx = dx < 0 ? -1 : 1;
  const sy = dy < 0 ? -1 : 1;
  const stepX = dx === 0 ? Infinity : m.tile / Math.abs(dx);
  const stepY = dy === 0 ? Infinity : m.tile / Math.abs(dy);
  let nextX = dx === 0 ? Infinity : ((tx + (sx > 0 ? 1 : 0)) * m.tile - x) / dx;
  let nextY = dy === 0 ? Infinity : ((ty + (sy > 0 ? 1 : 0)) * m.tile - y) / dy;
  for (let t = 0; t < limit; ) {
    if (nextX < nextY) {
      t = nextX;
      nextX += stepX;
      tx += sx;
    } else {
      t = nextY;
      nextY += stepY;
      ty += sy;
    }
    if (isWall(m, tx, ty)) return Math.min(t, limit);
  }
  return limit;
}

/** Paints the whole map once; the page then copies the visible part of it every frame. */
export function paintMap(m: ArenaMap, pixelsPerTile: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const p = pixelsPerTile;
  canvas.width = m.width * p;
  canvas.height = m.height * p;
  const c = canvas.getContext('2d')!;
  c.fillStyle = '#10151f';
  c.fillRect(0, 0, canvas.width, canvas.height);
  each(m, (x, y, wall) => {
    if (wall) return;
    c.fillStyle = (x + y) % 2 === 0 ? '#141c2a' : '#172131';
    c.fillRect(x * p, y * p, p, p);
  });
  c.fillStyle = 'rgb(150 185 240 / 13%)'; // marks where four tiles meet
  each(m, (x, y) => {
    c.fillRect(x * p - p * 0.06, y * p - 1, p * 0.12, 2);
    c.fillRect(x * p - 1, y * p - p * 0.06, 2, p * 0.12);
  });
  shade(c, m, p);
  each(m, (x, y, wall) => {
    if (wall) paintWall(c, m, x, y, p);
  });
  return canvas;
}

function each(m: ArenaMap, f: (x: number, y: number, wall: boolean) => void): void {
  for (let y = 0; y < m.height; y++) {
    for (let x = 0; x < m.width; x++) f(x, y, isWall(m, x, y));
  }
}

/** Soft shadows that walls throw on the floor, down and to the right. */
function shade(c: CanvasRenderingContext2D, m: ArenaMap, p: number): void {
  c.save();
  c.shadowColor = 'rgb(0 0 0 / 75%)';
  c.shadowBlur = p * 0.22;
  c.shadowOffsetX = p * 0.05;
  c.shadowOffsetY = p * 0.12;
  c.fillStyle = '#0c1018';
  each(m, (x, y, wall) => {
    if (wall) c.fillRect(x * p, y * p, p, p);
  });
  c.restore();
}

function paintWall(c: CanvasRenderingContext2D, m: ArenaMap, x: number, y: number, p: number): void {
  const open = (dx: number, dy: number) => !isWall(m, x + dx, y + dy);
  const inside = !open(1, 0) && !open(-1, 0) && !open(0, 1) && !open(0, -1);
  c.fillStyle = inside ? '#232f47' : '#2a3853';
  c.fillRect(x * p, y * p, p + 0.5, p + 0.5);
  const lip = Math.max(2, p * 0.055);
  const edge = (color: string, ex: number, ey: number, w: number, h: number) => {
    c.fillStyle = color;
    c.fillRect(x * p + ex, y * p + ey, w, h);
  };
  if (open(0, 1)) edge('#1a2437', 0, p * 0.84, p, p * 0.16); // the side that faces us
  if (open(0, -1)) edge('#6583c0', 0, 0, p, lip);
  if (open(-1, 0)) edge('#4a6396', 0, 0, lip, p);
  if (open(1, 0)) edge('#374b73', p - lip, 0, lip, p);
  if (open(0, 1)) edge('#4a6396', 0, p * 0.84 - lip / 2, p, lip / 2);
}
