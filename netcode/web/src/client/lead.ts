// How far ahead of the server's tick controls must be made to arrive in time: half a round trip, jitter, and one tick. The same
// as netcode/client/lead.go. Numbers without a unit are ticks.

/** By which the clock runs faster or slower. */
const MAX_SPEED = 0.05;
/** Errors up to this are corrected so; what is further off is set at once. */
const MAX_ERROR = 10;
/** Bounds of the jitter, ms: a server takes controls in just before a tick begins, and longer stalls are better endured. */
const MIN_JITTER = 3;
const MAX_JITTER = 160;
/** The share of frames that take no longer than the jitter says, and by how many ms one frame may change it. */
const QUANTILE = 0.99;
const GAIN = 4;
/** By which the shortest way is forgotten with every frame, and how fast the way up is learned. */
const FORGET = 0.001;
const BIAS_GAIN = 0.5;

/** The clock that the player's controls live by. */
export class Lead {
  private low = Infinity; // the shortest way that a frame took of late
  private jitter: number;
  private bias = 0; // by which the way up is longer than half a round trip
  private late = 0; // of the newest controls, as last reported
  private local = 0; // ms
  private tick: number | undefined; // at that time
  resyncs = 0;

  constructor(private readonly hz: number) {
    this.jitter = this.of(MIN_JITTER);
  }

  private of(ms: number): number {
    return (ms * this.hz) / 1000;
  }

  /** The next estimate is believed at once. */
  forget(): void {
    this.tick = undefined;
    this.low = Infinity;
  }

  /** Takes in what a frame took to come; a constant error does no harm. */
  frame(took: number): void {
    this.low = Math.min(this.low + FORGET, took);
    const step = took - this.low > this.jitter ? QUANTILE : QUANTILE - 1;
    this.jitter = clamp(this.jitter + step * this.of(GAIN), this.of(MIN_JITTER), this.of(MAX_JITTER));
  }

  /** Takes in how late the newest controls were. Twice in a row is no stall: the way up is the longer half. */
  report(late: number, trip: number): void {
    const worst = Math.min(late, this.late);
    if (worst > 0) this.bias += BIAS_GAIN * worst;
    else if (late < -this.jitter - 2) this.bias -= BIAS_GAIN / 4;
    this.bias = clamp(this.bias, 0, trip / 2);
    this.late = late;
  }

  /** The tick to live in, where the server's is known and the round trip. now in ms. */
  at(now: number, server: number, trip: number): number {
    const goal = server + trip / 2 + this.jitter + this.bias + 1;
    const passed = Math.max(0, this.of(now - this.local));
    this.local = now;
    if (this.tick === undefined) return (this.tick = goal);
    this.tick += passed;
    const off = goal - this.tick;
    if (Math.abs(off) > MAX_ERROR) {
      this.resyncs++;
      return (this.tick = goal);
    }
    return (this.tick += clamp(off, -MAX_SPEED * passed, MAX_SPEED * passed));
  }
}

function clamp(x: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, x));
}
