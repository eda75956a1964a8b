// A player's place in a match, across as many connections as it takes.

import type { ServerMessage } from '../../../../schema/ts/wire.js';
import { FrameError } from './channel.js';
import { Clock } from './clock.js';
import { type Action, closeText } from './close.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { Emitter } from './emitter.js';
import {
  type Controls,
  encode,
  type GameMessage,
  type HelloData,
  isFrame,
  type Member,
  open,
  type Outgoing,
  readMessages,
  readRoster,
  readWelcome,
  type Welcome,
} from './messages.js';
import { Commands, Inbox, Samples } from './outbox.js';
import { Smoother } from './smooth.js';
import { Counters, type Stats } from './stats.js';
import { Timeline } from './timeline.js';
import { type Entity, View } from './view.js';

/** Time between pings, ms. */
const PING_MS = 1000;
/** Time between requests for a keyframe, ms. */
const KEYFRAME_MS = 1000;
/** Ticks after which an acknowledgement goes out by itself when no sample carries one. */
const ACK_TICKS = 2;

/** Where to play and the right to, from quickplay or from the game's own backend. */
export interface Options extends ConnectionOptions {
  /** Player token. */
  token: string;
}

export type Phase = 'connecting' | 'playing' | 'reconnecting' | 'ended';

/** Why a client ended. */
export interface End {
  readonly code: number;
  readonly text: string;
  readonly action: Action;
}

export interface Events {
  /** connecting, playing, reconnecting or ended. */
  phase: Phase;
  /** The server has let us in, for the first time or again. */
  welcome: Welcome;
  /** A state frame was applied; the view is complete. */
  tick: View;
  /** A reliable message, once each and in order. */
  message: GameMessage;
  roster: readonly Member[];
  end: End;
}

/** Joins a match and stays in it: one call, then listen. */
export function connect(o: Options): Client {
  return new Client(o);
}

export class Client extends Emitter<Events> {
  phase: Phase = 'connecting';
  /** Undefined until the first welcome. */
  welcome: Welcome | undefined;
  roster: readonly Member[] = [];

  private readonly counters = new Counters();
  private readonly connection: Connection;
  private readonly samples = new Samples();
  private readonly commands = new Commands();
  private readonly inbox = new Inbox();

  // What a welcome sets up.
  private view = new View([], 1);
  private smoother = new Smoother(1);
  private timeline = new Timeline(30, 1);
  private clock = new Clock(30);
  private readonly alsoSmooth: [string, string[]][] = [];

  // The present connection.
  private keyframeAsked = -Infinity;
  private ackedTick = 0;
  private resume = '';
  private readonly beatTimer: ReturnType<typeof setInterval>;

  // The player's controls.
  private controlsOf: (() => Controls) | undefined;
  private controlsTimer: ReturnType<typeof setTimeout> | undefined;
  private controlsTick = 0;

  constructor(private readonly o: Options) {
    super();
    this.connection = new Connection(o, {
      hello: () => encode({ hello: this.hello() }),
      token: (resume) => (this.resume = resume),
      broken: () => this.counters.decodeErrors++,
      probe: () => this.send({ ping: this.clock.ping(this.connection.now()) }),
      received: (data) => this.received(data),
      lost: () => this.lost(),
      ended: (code, action) => this.ended(code, action),
    });
    this.beatTimer = setInterval(() => this.beat(), PING_MS);
    this.connection.dial();
  }

  // ------------------------------------------------------------------------------------------------- for the game

  /** Number of the player in the match; 0 before the welcome. */
  get player(): number {
    return this.welcome?.player ?? 0;
  }

  /** Tick of the newest state. */
  get tick(): number {
    return this.view.tick;
  }

  /** The newest state, unsmoothed. */
  get state(): View {
    return this.view;
  }

  /** The moment on screen now, in ticks with fraction; ask once per drawn frame and pass it to each. */
  moment(): number {
    return this.timeline.at(this.connection.now());
  }

  /** Rows of a kind at a moment, moving smoothly between state frames. */
  each(kind: string, at: number): Entity[] {
    return this.smoother.each(kind, at);
  }

  /** Also smooths fields of a kind that are not linear (angles). */
  smooth(kind: string, ...fields: string[]): void {
    this.alsoSmooth.push([kind, fields]);
    this.smoother.also(kind, ...fields);
  }

  /** Calls f once a tick for the player's controls and sends them. */
  controls(f: () => Controls): void {
    this.controlsOf = f;
    this.schedule();
  }

  /** Sends a command, applied exactly once and in order. Returns its number, or 0 when too many are unanswered. */
  command(data: Uint8Array | string): number {
    const number = this.commands.add(typeof data === 'string' ? new TextEncoder().encode(data) : data);
    this.flush();
    return number;
  }

  /** Gives up the seat. */
  leave(): void {
    this.send({ leave: true });
    this.connection.finish(1000, 'stop');
  }

  /** Closes the connection as a broken network would; the client comes back by itself. For tests. */
  cut(): void {
    this.connection.cut('cut');
  }

  stats(): Stats {
    const now = this.connection.now();
    const c = this.counters;
    return {
      pingMs: this.clock.rtt,
      tick: this.view.tick,
      bytesPerSecond: c.bytes.perSecond(now),
      framesPerSecond: c.frames.perSecond(now),
      delay: this.timeline.delay,
      hashChecks: c.hashChecks + this.view.checks,
      hashMismatches: c.hashMismatches + this.view.mismatches,
      decodeErrors: c.decodeErrors,
      reconnects: c.reconnects,
      underruns: this.timeline.underruns,
      samplesUnanswered: this.samples.unanswered,
    };
  }

  // ------------------------------------------------------------------------------------------------- connections

  private hello(): HelloData {
    if (!this.resume) return { token: this.o.token };
    const epoch = this.connection.epoch;
    const whole = this.view.whole && this.view.epoch === epoch;
    return {
      resume: this.resume,
      epoch,
      tick: whole ? this.view.tick : 0,
      viewHash: whole ? this.view.hash : 0,
      message: this.inbox.last,
    };
  }

  private lost(): void {
    clearTimeout(this.controlsTimer);
    this.controlsTimer = undefined;
    this.setPhase('reconnecting');
  }

  private ended(code: number, action: Action): void {
    clearTimeout(this.controlsTimer);
    clearInterval(this.beatTimer);
    this.setPhase('ended');
    this.emit('end', { code, text: closeText(code), action });
  }

  private setPhase(p: Phase): void {
    if (this.phase === p) return;
    this.phase = p;
    this.emit('phase', p);
  }

  // ------------------------------------------------------------------------------------------------- receiving

  private received(data: ArrayBuffer): void {
    this.counters.bytes.add(data.byteLength, this.connection.now());
    try {
      this.take(open(data));
    } catch (err) {
      this.counters.decodeErrors++;
      if (!(err instanceof FrameError)) this.connection.cut('bad message');
      else this.askKeyframe();
    }
  }

  private take(m: ServerMessage): void {
    const w = m.welcome();
    if (w) this.welcomeIn(readWelcome(w));
    this.resume = m.resume() || this.resume;
    const roster = readRoster(m);
    if (roster) {
      this.roster = roster;
      this.emit('roster', roster);
    }
    if (isFrame(m)) this.frame(m);
    for (const x of readMessages(m)) {
      if (this.inbox.accept(x)) this.emit('message', x);
    }
    const p = m.pong();
    if (p) {
      this.clock.pong(p.client(), { tick: p.tick(), fracUs: p.fracUs(), latenessMs: p.latenessMs(), heldUs: p.heldUs() }, this.connection.now());
      this.schedule();
    }
    const move = m.move();
    if (move) {
      this.connection.moving(move.url() ?? '');
      this.resume = move.token() || this.resume;
    }
    const standby = m.standby();
    if (standby) this.connection.standbyIs(standby.url() ?? '');
    const bye = m.bye();
    if (bye) this.connection.farewell(bye.code());
  }

  private welcomeIn(w: Welcome): void {
    const first = this.welcome === undefined;
    const same = !first && this.welcome!.match === w.match && sameKinds(this.welcome!, w);
    this.welcome = w;
    this.connection.standbyIs(w.standby);
    this.resume = w.resume || this.resume;
    this.keyframeAsked = -Infinity;
    if (!first) this.counters.reconnects++;
    if (!same) this.build(w);
    if (this.view.epoch !== w.epoch) this.view.reset(); // only a keyframe leads into another epoch
    this.view.resumed();
    this.clock.restart();
    this.timeline.restart();
    this.samples.restart(w.sample);
    this.commands.restart(w.command, first);
    this.controlsTick = 0;
    this.ackedTick = this.view.tick;
    this.emit('welcome', w);
    this.send({ ping: this.clock.ping(this.connection.now()), ackTick: this.view.tick, ackMessage: this.inbox.last });
    this.flush();
  }

  private build(w: Welcome): void {
    this.counters.hashChecks += this.view.checks;
    this.counters.hashMismatches += this.view.mismatches;
    this.view = new View(w.kinds, w.every);
    this.smoother = new Smoother(w.every);
    for (const [kind, fields] of this.alsoSmooth) this.smoother.also(kind, ...fields);
    this.timeline = new Timeline(w.hz, w.every);
    this.clock = new Clock(w.hz);
  }

  private frame(m: ServerMessage): void {
    if (m.keyframe() && m.channel() === 0) {
      if (m.epoch() < this.connection.epoch) {
        this.connection.cut('an epoch that is over');
        return;
      }
      this.connection.epoch = m.epoch();
    }
    const done = this.view.apply(m);
    if (done === 'mismatch' || done === 'ignored') this.askKeyframe();
    if (done === 'part' || done === 'ignored' || m.channel() !== 0) return;
    const now = this.connection.now();
    this.counters.frames.add(1, now);
    this.timeline.arrived(this.view.tick, now);
    this.clock.frame(this.view.tick, now);
    this.smoother.push(this.view);
    const ack = this.view.one('overtime.ack');
    if (ack) {
      this.samples.answered(ack['sample'] ?? 0);
      this.commands.answered(ack['command'] ?? 0);
    }
    this.connection.proved();
    this.setPhase('playing');
    if (this.view.tick - this.ackedTick >= ACK_TICKS) this.send(this.acks());
    this.emit('tick', this.view);
  }

  private askKeyframe(): void {
    const now = this.connection.now();
    if (now - this.keyframeAsked < KEYFRAME_MS) return;
    this.keyframeAsked = now;
    this.send({ keyframe: true });
  }

  // ------------------------------------------------------------------------------------------------- sending

  private acks(): Outgoing {
    this.ackedTick = this.view.tick;
    return { ackTick: this.view.tick, ackMessage: this.inbox.last };
  }

  private send(o: Outgoing): void {
    this.connection.send(encode(o));
  }

  /** Sends what is waiting: samples in batches, then commands in order. */
  private flush(): void {
    if (!this.connection.works) return;
    for (let batch = this.samples.take(); batch.length > 0; batch = this.samples.take()) {
      this.send({ samples: batch, ...this.acks() });
    }
    for (let c = this.commands.take(); c; c = this.commands.take()) this.send({ command: c });
  }

  /** Once a second: ping, and look whether the other side still speaks. */
  private beat(): void {
    this.connection.check();
    if (this.connection.works) this.send({ ping: this.clock.ping(this.connection.now()), ...this.acks() });
  }

  /** Arranges for the next sample: one per tick, made when its tick comes up. */
  private schedule(): void {
    if (!this.controlsOf || this.controlsTimer !== undefined || !this.connection.works || this.welcome!.spectator) return;
    const t = this.clock.inputTick(this.connection.now());
    if (t === undefined) return;
    const wait = ((Math.max(this.controlsTick, Math.floor(t)) + 1 - t) * 1000) / this.welcome!.hz;
    this.controlsTimer = setTimeout(() => this.sample(), Math.min(1000, Math.max(1, wait)));
  }

  private sample(): void {
    this.controlsTimer = undefined;
    const now = this.connection.now();
    const t = this.clock.inputTick(now);
    const tick = t === undefined ? 0 : Math.floor(t + 0.05); // a timer may fire a little early
    if (tick > this.controlsTick && this.controlsOf && this.phase === 'playing') {
      this.controlsTick = tick;
      this.samples.add(this.controlsOf(), { tick, ...this.smoother.shown(this.timeline.at(now)) });
      this.flush();
    }
    this.schedule();
  }
}

function sameKinds(a: Welcome, b: Welcome): boolean {
  const key = (w: Welcome) => JSON.stringify([w.hz, w.every, w.kinds.map((k) => [k.name, k.fields])]);
  return key(a) === key(b);
}
