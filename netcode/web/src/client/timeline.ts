// Which moment of the match is on screen: a clock in ticks that runs a little behind the newest state frame, so that there is
// always a frame ahead to interpolate towards. It keeps about two state frames of distance, more when frames come irregularly,
// and corrects itself by running a few percent faster or slower, never by jumping, unless it is far off (after a stall).

/** Frames whose arrival is remembered. */
const WINDOW_MS = 2000;
/** Distance to the newest frame in state frames: at least and at most. */
const MIN_DELAY = 1.8;
const MAX_DELAY = 8;
/** Most that the clock runs off its nominal speed. */
const FASTER = 0.03;
const SLOWER = 0.04;
/** Error in state frames beyond which the clock is set instead of steered. */
const SNAP = 5;

export class Timeline {
  private readonly interval: number; // ms per state frame
  private arrivals: { at: number; late: number; tick: number }[] = [];
  private position = 0; // ticks
  private movedAt = -1;
  /** Times that the screen reached the newest frame and had to wait for another. */
  underruns = 0;
  private starving = false;

  constructor(
    private readonly hz: number,
    private readonly every: number,
  ) {
    this.interval = (1000 * every) / hz;
  }

  /** Notes that the state of a tick arrived. */
  arrived(tick: number, now: number): void {
    this.arrivals.push({ at: now, late: now - (tick * 1000) / this.hz, tick });
    while (this.arrivals[0]!.at < now - WINDOW_MS) this.arrivals.shift();
  }

  /** Distance that the screen should keep, in state frames, for the arrivals of the last two seconds. */
  get delay(): number {
    if (this.arrivals.length === 0) return MIN_DELAY;
    const late = this.arrivals.map((a) => a.late).sort((a, b) => a - b);
    const p98 = late[Math.min(late.length - 1, Math.floor(late.length * 0.98))]!;
    const frames = 1 + (p98 - late[0]! + 8) / this.interval; // 8 ms: half a screen refresh at 60 Hz
    return Math.max(MIN_DELAY, Math.min(MAX_DELAY, frames));
  }

  /** The moment to show now, in ticks with fraction; moves on at every call. */
  at(now: number): number {
    if (this.arrivals.length === 0) return this.position;
    const fastest = Math.min(...this.arrivals.map((a) => a.late));
    const target = ((now - fastest - this.delay * this.interval) * this.hz) / 1000;
    const step = (Math.max(0, now - this.movedAt) * this.hz) / 1000;
    const error = (target - this.position - step) / this.every; // state frames
    if (this.movedAt < 0 || Math.abs(error) > SNAP) this.position = target;
    else this.position += step * (1 + Math.max(-SLOWER, Math.min(FASTER, error * 0.05)));
    this.movedAt = now;
    this.count();
    return this.position;
  }

  private count(): void {
    const starving = this.position > this.arrivals[this.arrivals.length - 1]!.tick;
    if (starving && !this.starving) this.underruns++;
    this.starving = starving;
  }

  /** A new connection or match: the next arrival sets the clock. */
  restart(): void {
    this.arrivals = [];
    this.movedAt = -1;
    this.starving = false;
  }
}
