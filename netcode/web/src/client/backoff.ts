// Exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015): a wait is uniform between 0 and
// a ceiling that doubles, so that the clients of a node that died do not come back in step.

export interface BackoffOptions {
  /** Ceiling of the first wait in ms; 250 by default. */
  firstMs?: number;
  /** Ceiling of all waits in ms; 10,000 by default. */
  maxMs?: number;
  /** A random number in [0, 1). */
  random?: () => number;
}

/** Waits between the attempts of one reconnection. */
export class Backoff {
  private readonly first: number;
  private readonly max: number;
  private readonly random: () => number;
  private tries = 0;

  constructor(o: BackoffOptions = {}) {
    this.first = o.firstMs ?? 250;
    this.max = o.maxMs ?? 10_000;
    this.random = o.random ?? Math.random;
  }

  /** The next wait in ms. */
  next(): number {
    const ceiling = Math.min(this.max, this.first * 2 ** Math.min(this.tries, 30));
    this.tries++;
    return this.random() * ceiling;
  }

  /** How many waits were taken since the last reset. */
  get attempts(): number {
    return this.tries;
  }

  /** Call it when a connection works again. */
  reset(): void {
    this.tries = 0;
  }
}
