// The server's clock as the client knows it, and how far ahead of it controls must be made to arrive in time.

/** The answer to a ping. */
export interface PongData {
  /** Server tick, and microseconds since it began. */
  tick: number;
  fracUs: number;
  /** How late (positive) or early the newest sample was against its tick, ms. */
  latenessMs: number;
}

interface Measure {
  rtt: number;
  /** Server time minus client time, ms; the server's time is its tick. */
  offset: number;
  at: number;
}

/** Pings looked at; the one that travelled fastest is the truest. */
const KEEP = 10;
/** Bounds of the lead over the server's clock, in ticks, beyond half the round trip. */
const MIN_LEAD = 0.5;
const MAX_LEAD = 10;

/** Estimates round trip and server tick from pings. All times in ms of one monotonic clock. */
export class Clock {
  private measures: Measure[] = [];
  private readonly sent = new Map<number, number>();
  private lead = 1.5;

  constructor(private readonly hz: number) {}

  /** Notes a ping and returns its value for the wire: never 0, different from those under way. */
  ping(now: number): number {
    let v = Math.floor(now) >>> 0 || 1;
    while (this.sent.has(v)) v = (v + 1) >>> 0 || 1;
    this.sent.set(v, now);
    const oldest = this.sent.keys().next().value;
    if (this.sent.size > KEEP && oldest !== undefined) this.sent.delete(oldest);
    return v;
  }

  /** Takes the answer to a ping; false if it answers none. */
  pong(client: number, p: PongData, now: number): boolean {
    const sent = this.sent.get(client);
    if (sent === undefined) return false;
    this.sent.delete(client);
    const rtt = Math.max(0, now - sent);
    const server = (p.tick * 1000) / this.hz + p.fracUs / 1000;
    this.measures.push({ rtt, offset: server - (sent + now) / 2, at: now });
    if (this.measures.length > KEEP) this.measures.shift();
    this.adjust(p.latenessMs);
    return true;
  }

  /** Makes controls earlier at once when they come late, later slowly when they come too early. */
  private adjust(latenessMs: number): void {
    const tickMs = 1000 / this.hz;
    const wanted = -(0.75 * tickMs + this.jitter / 2);
    const error = (latenessMs - wanted) / tickMs;
    this.lead = Math.min(MAX_LEAD, Math.max(MIN_LEAD, this.lead + Math.max(-0.2, Math.min(1.5, error * 0.3))));
  }

  /** Whether any ping was answered yet. */
  get synced(): boolean {
    return this.measures.length > 0;
  }

  /** Round trip in ms: the median of the last pings. */
  get rtt(): number {
    const s = this.measures.map((m) => m.rtt).sort((a, b) => a - b);
    return s[s.length >> 1] ?? 0;
  }

  /** How much round trips differ, ms. */
  get jitter(): number {
    if (this.measures.length === 0) return 0;
    const s = this.measures.map((m) => m.rtt);
    return Math.max(...s) - Math.min(...s);
  }

  /** The server's tick now, with fraction; undefined before the first pong. */
  serverTick(now: number): number | undefined {
    let best: Measure | undefined;
    for (const m of this.measures) {
      if (!best || m.rtt < best.rtt) best = m;
    }
    return best && ((now + best.offset) * this.hz) / 1000;
  }

  /** The tick that controls made now are meant for, with fraction. */
  inputTick(now: number): number | undefined {
    const t = this.serverTick(now);
    return t === undefined ? undefined : t + (this.rtt / 2 / 1000) * this.hz + this.lead;
  }

  /** Forgets pings under way and old measures: a new connection may lead elsewhere. */
  restart(): void {
    this.sent.clear();
    this.measures = [];
  }
}
