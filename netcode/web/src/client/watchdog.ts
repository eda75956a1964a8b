// Notices that a connection is dead long before TCP does. Only for connections with a standby: without one there is nowhere else to go.

/** Silence after which the other side is asked whether it is there, and after which it is not, ms. */
const PROBE_MS = 350;
const QUIET_MS = 700;
/** Time without a state frame, though something answers, ms: that node does not own the match any more. */
const FRAME_MS = 2000;
/** A round that comes so much too late, ms, judges nothing: the program stood still, or the tab is in the background. */
const STALL_MS = 200;

export class Watchdog {
  private timer: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private framed = 0;
  private round = 0;
  private probed = false;

  constructor(
    private readonly now: () => number,
    private readonly probe: () => void,
    private readonly lost: () => void,
  ) {}

  /** Anything has come. */
  hears(): void {
    this.heard = this.now();
    this.probed = false;
  }

  /** A state frame has come. */
  frame(): void {
    this.framed = this.now();
  }

  /** Goes on or off duty. */
  guard(duty: boolean): void {
    if (duty === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = undefined;
    if (!duty) return;
    this.heard = this.framed = this.round = this.now();
    this.probed = false;
    this.timer = setInterval(() => this.look(), PROBE_MS);
  }

  private look(): void {
    if (this.timer === undefined) return;
    const now = this.now();
    const late = now - this.round > PROBE_MS + STALL_MS;
    this.round = now;
    const quiet = now - this.heard;
    if (late) this.probed = false;
    else if (now - this.framed >= FRAME_MS || (this.probed && quiet >= QUIET_MS)) {
      this.lost();
      return;
    }
    if (quiet >= PROBE_MS && !this.probed) {
      this.probed = true;
      this.probe();
    }
  }
}
