// Numbers of one connection for the corner of the screen.

/** Counts per second over the last two seconds. */
class Rate {
  private readonly slots = new Float64Array(8);
  private slot = -1;
  private static readonly MS = 250;

  add(n: number, now: number): void {
    this.turn(now);
    this.slots[this.slot % 8]! += n;
  }

  perSecond(now: number): number {
    this.turn(now);
    let sum = 0;
    for (let i = 1; i < 8; i++) sum += this.slots[(this.slot + i) % 8]!; // the current slot is not full yet
    return (sum * 1000) / (7 * Rate.MS);
  }

  private turn(now: number): void {
    const slot = Math.floor(now / Rate.MS);
    if (this.slot < 0) this.slot = slot;
    for (let n = 0; this.slot < slot && n < 8; n++) this.slots[++this.slot % 8] = 0;
    this.slot = Math.max(this.slot, slot);
  }
}

/** A reading of the counters. */
export interface Stats {
  /** Round trip, ms. */
  pingMs: number;
  /** Last tick applied. */
  tick: number;
  /** Sizes of messages received; a browser does not say how small compression made them on the wire. */
  bytesPerSecond: number;
  framesPerSecond: number;
  /** Distance of the screen to the newest frame, state frames. */
  delay: number;
  hashChecks: number;
  hashMismatches: number;
  decodeErrors: number;
  reconnects: number;
  underruns: number;
  samplesUnanswered: number;
}

/** What the connection counts as it goes. */
export class Counters {
  readonly bytes = new Rate();
  readonly frames = new Rate();
  hashChecks = 0;
  hashMismatches = 0;
  decodeErrors = 0;
  reconnects = 0;
}
