// The server's clock as the client knows it.

import { Lead } from './lead.js';

/** The answer to a ping. */
export interface PongData {
  /** Server tick, and microseconds since it began. */
  tick: number;
  fracUs: number;
  /** How late (positive) or early the newest sample was against its tick, ms. */
  latenessMs: number;
  /** For how long the ping waited at the server, microseconds: no part of the round trip. */
  heldUs: number;
}

interface Measure {
  rtt: number;
  /** Server time minus client time, ms; the server's time is its tick. */
  offset: number;
  at: number;
}

/** Pings looked at; the one that travelled fastest is the truest. */
const KEEP = 10;

/** Estimates round trip and server tick from pings. All times in ms of one monotonic clock. */
export class Clock {
  private measures: Measure[] = [];
  private readonly sent = new Map<number, number>();
  private readonly lead: Lead;
  private known = false; // a ping was answered on this connection

  constructor(private readonly hz: number) {
    this.lead = new Lead(hz);
  }

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
    const rtt = Math.max(0, now - sent - p.heldUs / 1000);
    const server = (p.tick * 1000) / this.hz + p.fracUs / 1000;
    this.measures.push({ rtt, offset: server - (now - rtt / 2), at: now });
    if (this.measures.length > KEEP) this.measures.shift();
    this.lead.report((p.latenessMs * this.hz) / 1000, this.trip());
    if (!this.known) {
      this.known = true;
      this.lead.forget();
    }
    return true;
  }

  /** Notes that the frame of a tick has arrived. */
  frame(tick: number, now: number): void {
    const server = this.serverTick(now);
    if (server !== undefined) this.lead.frame(server - tick);
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

  /** The shortest of the last round trips, ticks. */
  private trip(): number {
    return (Math.min(...this.measures.map((m) => m.rtt)) * this.hz) / 1000;
  }

  /** The server's tick now, with fraction; undefined before the first pong. */
  serverTick(now: number): number | undefined {
    let best: Measure | undefined;
    for (const m of this.measures) {
      if (!best || m.rtt < best.rtt) best = m;
    }
    return best && ((now + best.offset) * this.hz) / 1000;
  }

  /** The tick that controls made now are meant for, with fraction: they arrive before it begins. It passes steadily. */
  inputTick(now: number): number | undefined {
    const t = this.serverTick(now);
    return t === undefined ? undefined : this.lead.at(now, t, this.trip());
  }

  /** How often the input tick was set anew. */
  get resyncs(): number {
    return this.lead.resyncs;
  }

  /** Forgets pings under way and old measures: a new connection may lead elsewhere. What is known about the network stays. */
  restart(): void {
    this.sent.clear();
    this.measures = [];
    this.known = false;
    this.lead.forget();
  }
}
