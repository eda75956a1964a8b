// Keyboard, mouse and touch as the arena's controls.

import type { Controls } from '../index.js';

const RIFLE = 1;
const ROCKET = 2;
const FULL = 32767;
/** Pixels that a stick can be pushed, and the part of that below which it counts as centred. */
const STICK = 58;
const DEAD = 0.18;

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  KeyW: [0, -1], ArrowUp: [0, -1],
  KeyS: [0, 1], ArrowDown: [0, 1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0],
  KeyD: [1, 0], ArrowRight: [1, 0],
};

interface Stick { id: number; x0: number; y0: number; x: number; y: number; el: HTMLElement }

export class Input {
  /** Where the player aims, radians; shown at once, without waiting for the server. */
  aim = 0;
  /** Where his body is on the screen: aiming with the mouse is relative to it. */
  origin = { x: 0, y: 0 };
  /** The mouse is where he aims; otherwise a stick, or the way he goes. */
  private pointer: { x: number; y: number } | undefined;
  private readonly keys = new Set<string>();
  private mouse = 0;
  private rocketButton = false;
  private readonly sticks = new Map<number, Stick>();

  constructor(private readonly canvas: HTMLElement) {
    addEventListener('keydown', (e) => this.key(e, true));
    addEventListener('keyup', (e) => this.key(e, false));
    addEventListener('blur', () => this.release());
    canvas.addEventListener('contextmenu', (e) => e.preventDefault());
    canvas.addEventListener('pointerdown', (e) => this.down(e));
    canvas.addEventListener('pointermove', (e) => this.moved(e));
    for (const t of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(t, (e) => this.up(e));
    const rocket = document.getElementById('rocket-button')!;
    rocket.addEventListener('pointerdown', () => (this.rocketButton = true));
    for (const t of ['pointerup', 'pointercancel', 'pointerleave'] as const) rocket.addEventListener(t, () => (this.rocketButton = false));
  }

  /** The controls of this moment. */
  read(): Controls {
    const [mx, my] = this.movement();
    this.turn(mx, my);
    let angle = Math.round((this.aim * 65536) / (2 * Math.PI)) & 0xffff;
    if (angle > 32767) angle -= 65536;
    return { axes: [mx * FULL, my * FULL, angle], buttons: this.buttons() };
  }

  /** Brings the aim up to date with the mouse; call it every frame. */
  turn(mx = 0, my = 0): void {
    const s = this.aimStick();
    if (s && Math.hypot(s.x - s.x0, s.y - s.y0) > STICK * DEAD) this.aim = Math.atan2(s.y - s.y0, s.x - s.x0);
    else if (this.pointer) this.aim = Math.atan2(this.pointer.y - this.origin.y, this.pointer.x - this.origin.x);
    else if (mx !== 0 || my !== 0) this.aim = Math.atan2(my, mx);
  }

  private movement(): [number, number] {
    let x = 0;
    let y = 0;
    for (const k of this.keys) {
      x += MOVES[k]?.[0] ?? 0;
      y += MOVES[k]?.[1] ?? 0;
    }
    for (const s of this.sticks.values()) {
      if (s.el.id !== 'stick-move') continue;
      x = (s.x - s.x0) / STICK;
      y = (s.y - s.y0) / STICK;
      if (Math.hypot(x, y) < DEAD) x = y = 0;
    }
    const n = Math.max(1, Math.hypot(x, y));
    return [x / n, y / n];
  }

  private buttons(): number {
    const s = this.aimStick();
    const pushed = s !== undefined && Math.hypot(s.x - s.x0, s.y - s.y0) > STICK * 0.6;
    const rifle = this.keys.has('Space') || (this.mouse & 1) !== 0 || pushed;
    const rocket = this.keys.has('KeyE') || this.keys.has('ShiftLeft') || (this.mouse & 2) !== 0 || this.rocketButton;
    return (rifle ? RIFLE : 0) | (rocket ? ROCKET : 0);
  }

  private aimStick(): Stick | undefined {
    for (const s of this.sticks.values()) if (s.el.id === 'stick-aim') return s;
    return undefined;
  }

  private key(e: KeyboardEvent, down: boolean): void {
    if (e.ctrlKey || e.metaKey || e.altKey || (down && e.target instanceof HTMLInputElement)) return;
    if (down) this.keys.add(e.code);
    else this.keys.delete(e.code);
    if (e.code in MOVES || (e.code === 'Space' && e.target === document.body)) e.preventDefault();
  }

  private down(e: PointerEvent): void {
    this.canvas.focus();
    if (e.pointerType !== 'touch') {
      this.mouse = e.buttons;
      this.pointer = { x: e.clientX, y: e.clientY };
      return;
    }
    document.body.classList.add('touch');
    this.pointer = undefined;
    const el = document.getElementById(e.clientX < innerWidth / 2 ? 'stick-move' : 'stick-aim')!;
    for (const s of this.sticks.values()) if (s.el === el) return;
    this.canvas.setPointerCapture(e.pointerId);
    this.sticks.set(e.pointerId, { id: e.pointerId, x0: e.clientX, y0: e.clientY, x: e.clientX, y: e.clientY, el });
    el.style.left = `${e.clientX}px`;
    el.style.top = `${e.clientY}px`;
    el.classList.add('on');
    this.knob(e.pointerId);
  }

  private moved(e: PointerEvent): void {
    const s = this.sticks.get(e.pointerId);
    if (!s) {
      if (e.pointerType === 'touch') return;
      this.mouse = e.buttons;
      this.pointer = { x: e.clientX, y: e.clientY };
      return;
    }
    const d = Math.max(1, Math.hypot(e.clientX - s.x0, e.clientY - s.y0) / STICK);
    s.x = s.x0 + (e.clientX - s.x0) / d;
    s.y = s.y0 + (e.clientY - s.y0) / d;
    this.knob(e.pointerId);
  }

  private up(e: PointerEvent): void {
    const s = this.sticks.get(e.pointerId);
    if (!s) {
      this.mouse = e.buttons;
      return;
    }
    s.el.classList.remove('on');
    this.sticks.delete(e.pointerId);
  }

  private knob(id: number): void {
    const s = this.sticks.get(id)!;
    const i = s.el.firstElementChild as HTMLElement;
    i.style.transform = `translate(${s.x - s.x0}px, ${s.y - s.y0}px)`;
  }

  private release(): void {
    this.keys.clear();
    this.mouse = 0;
    this.rocketButton = false;
    for (const s of this.sticks.values()) s.el.classList.remove('on');
    this.sticks.clear();
  }
}
