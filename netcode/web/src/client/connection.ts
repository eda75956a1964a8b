// The connections of one client: dialling, noticing that one is dead, racing those who may have the match, giving up.

import { address, Attempt, type Failure } from './attempt.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import { type Action, actionFor } from './close.js';
import type { SocketLike } from './socket.js';
import { Watchdog } from './watchdog.js';

/** Silence after which a connection is taken for dead, and time from dialling to the welcome, ms. */
const SILENCE_MS = 6000;
const WELCOME_MS = 8000;
/** Time after which a race without a winner ends, ms. */
const RACE_MS = 3000;
/** Spread over the clients that lost the same node, ms. */
const JITTER_MS = 50;
/** What the address that a server named has before the others, ms. */
const HEAD_START_MS = 300;
/** How long after a loss a node that does not know the match is doubted while others may, ms. */
const BELIEVE_MS = 3000;
/** How long the server may take a connection that lost a race for one that replaced the winner, ms. */
const ECHO_MS = 5000;
/** The match is over or unknown; replaced by a newer connection. */
const UNKNOWN = 4004;
const REPLACED = 4005;

export interface ConnectionOptions {
  /** WebSocket address. */
  url: string;
  /** Finds the address anew, when those that are known do not answer. */
  locate?: () => Promise<string>;
  /** Makes the socket; the browser's WebSocket by default. */
  socket?: (url: string, protocol: string) => SocketLike;
  /** A monotonic clock in ms; performance.now by default. */
  now?: () => number;
  backoff?: BackoffOptions;
  /** Gives up when a reconnection takes longer than this, ms; 5 minutes by default. */
  giveUpMs?: number;
}

export interface ConnectionEvents {
  /** The first message of a connection. */
  hello(): Uint8Array<ArrayBuffer>;
  /** A resume token that came with a move. */
  token(resume: string): void;
  /** A message that makes no sense came in place of the welcome. */
  broken(): void;
  /** Asks the server for a sign of life. */
  probe(): void;
  received(data: ArrayBuffer): void;
  /** A connection that had worked is lost; the next attempt is on its way. */
  lost(): void;
  /** Nothing more will be tried. */
  ended(code: number, action: Action): void;
}

interface Target {
  url: string;
  after: number;
}

export class Connection {
  readonly now: () => number;
  /** The highest epoch seen; nothing of a lower one is taken. */
  epoch = 0;
  private readonly backoff: Backoff;
  private readonly watchdog: Watchdog;
  private readonly random: () => number;
  private active: Attempt | undefined;
  private trying: Attempt[] = [];
  private failures: Failure[] = [];
  private racing = false;
  private url: string;
  private standby = ''; // named last
  private located = '';
  private over = false;
  private everIn = false;
  private since = 0; // when the present attempts began, or the connection was made
  private heard = 0;
  private lostAt: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** What the server said before it closed. */
  private bye: number | undefined;
  private moveTo = '';

  constructor(
    private readonly o: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
    this.now = o.now ?? (() => performance.now());
    this.backoff = new Backoff(o.backoff);
    this.random = o.backoff?.random ?? Math.random;
    this.watchdog = new Watchdog(this.now, () => events.probe(), () => this.cut('silence'));
    this.url = o.url;
    this.lostAt = this.now();
  }

  /** Whether the server has let us in on the present connection. */
  get works(): boolean {
    return this.active !== undefined;
  }

  /** Connects for the first time. */
  dial(): void {
    this.race([{ url: this.url, after: 0 }]);
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.active?.send(data);
  }

  /** Breaks the present connection off; the next follows. */
  cut(reason: string): void {
    if (this.active) this.active.cut(reason);
    else for (const a of [...this.trying]) a.cut(reason);
  }

  /** Who stands by; '' for nobody: then who did is still worth a try, as every node knows the way to the match. */
  standbyIs(url: string): void {
    this.standby = address(url) || this.standby;
    this.watchdog.guard(this.works && this.standby !== '' && this.standby !== this.url);
  }

  /** State arrives: the next loss starts with a quick attempt again. */
  proved(): void {
    this.watchdog.frame();
    this.backoff.reset();
  }

  /** The server has announced the close code to come. */
  farewell(code: number): void {
    this.bye = code;
  }

  /** The server has announced where the match goes. */
  moving(url: string): void {
    this.moveTo = url;
  }

  /** To be called about once a second: gives up a connection that says nothing. */
  check(): void {
    const quiet = this.now() - (this.works ? this.heard : this.since);
    if (quiet > (this.works ? SILENCE_MS : WELCOME_MS) && (this.works || this.trying.length > 0)) this.cut('silence');
  }

  /** Ends everything. */
  finish(code: number, action: Action): void {
    if (this.over) return;
    this.over = true;
    this.dropAll();
    this.active?.drop();
    this.active = undefined;
    this.watchdog.guard(false);
    this.events.ended(code, action);
  }

  // ------------------------------------------------------------------------------------------------- trying

  /** Tries addresses at the same time; the first that lets us in wins. */
  private race(targets: Target[]): void {
    this.dropAll();
    this.failures = [];
    this.racing = targets.length > 1;
    this.since = this.heard = this.now();
    for (const t of targets) this.trying.push(this.attempt(t.url));
    if (this.racing) this.timer = setTimeout(() => this.settle(), RACE_MS);
    const jitter = () => (this.racing ? this.random() * JITTER_MS : 0);
    for (const [i, a] of [...this.trying].entries()) a.start(targets[i]!.after + jitter());
  }

  private attempt(url: string): Attempt {
    const waits = new Backoff({ firstMs: 40, maxMs: 400, random: this.random });
    const a: Attempt = new Attempt(url, {
      make: this.o.socket ?? ((u, protocol) => new WebSocket(u, protocol) as unknown as SocketLike),
      hello: () => this.events.hello(),
      token: (resume) => this.events.token(resume),
      broken: () => this.events.broken(),
      welcomed: (epoch) => this.welcomed(a, epoch),
      received: (data) => {
        this.heard = this.now();
        this.watchdog.hears();
        this.events.received(data);
      },
      failed: (f) => this.failed(a, f, waits),
      closed: (code, reason) => this.closed(code, reason),
    });
    return a;
  }

  private welcomed(a: Attempt, epoch: number): boolean {
    if (epoch < this.epoch || this.active || !this.trying.includes(a)) return false; // an owner of before: it knows no better yet
    this.epoch = epoch;
    this.trying = this.trying.filter((x) => x !== a);
    this.dropAll();
    this.active = a;
    this.url = a.url;
    this.everIn = true;
    this.bye = undefined;
    this.moveTo = '';
    this.since = this.heard = this.now();
    return true;
  }

  /** An attempt was not let in: it follows, tries again, or leaves the race. */
  private failed(a: Attempt, f: Failure, waits: Backoff): void {
    if (!this.trying.includes(a)) return;
    const others = this.trying.filter((x) => x !== a);
    if (f.moveTo !== '' && !others.some((x) => x.url === f.moveTo) && a.turn(f.moveTo)) {
      this.url = this.racing ? this.url : f.moveTo;
      a.start(0);
      return;
    }
    const action = actionFor(f.code);
    const final = action === 'stop' || action === 'lobby';
    a.unknown = f.code === UNKNOWN;
    // A standby, or a node that looks for a match, may know it a moment later.
    const agreed = a.unknown && others.every((x) => x.unknown);
    if (this.racing && f.moveTo === '' && (a.unknown ? !agreed : !final)) {
      a.start(Math.max(1, waits.next()));
      return;
    }
    // Another one that came to the same node has replaced it, which says nothing.
    this.failures.push(this.racing && f.code === REPLACED ? { code: 1006, moveTo: '' } : f);
    this.trying = others;
    if (others.length === 0 || agreed || (final && f.code !== REPLACED)) this.settle();
  }

  /** All attempts have failed, or their time is up. */
  private settle(): void {
    for (const a of this.trying) {
      a.drop();
      this.failures.push({ code: a.unknown ? UNKNOWN : 1006, moveTo: '' });
    }
    this.dropAll();
    const actions = this.failures.map((f) => actionFor(f.code));
    const final = this.failures.find((f, i) => f.code !== UNKNOWN && (actions[i] === 'stop' || actions[i] === 'lobby'));
    if (final) {
      this.finish(final.code, actionFor(final.code));
      return;
    }
    const unknown = this.failures.filter((f) => f.code === UNKNOWN).length;
    if (unknown > 0 && this.believed(unknown === this.failures.length)) {
      this.finish(UNKNOWN, actionFor(UNKNOWN));
      return;
    }
    this.again(true);
  }

  /** Whether it is true that nobody knows the match: all who may have said so, or time has passed. */
  private believed(all: boolean): boolean {
    const others = this.everIn && (this.standby !== '' || this.o.locate !== undefined);
    return (all && (this.racing || !others)) || this.now() - this.lostAt > BELIEVE_MS;
  }

  private dropAll(): void {
    clearTimeout(this.timer);
    for (const a of this.trying.splice(0)) a.drop();
  }

  // ------------------------------------------------------------------------------------------------- coming back

  /** The connection on which we played is over. */
  private closed(code: number, reason: string): void {
    this.active = undefined;
    this.watchdog.guard(false);
    const raced = this.racing && this.now() - this.since < ECHO_MS;
    const why = raced && code === REPLACED ? 1006 : (this.bye ?? code);
    const action = actionFor(why);
    if (action === 'stop' || action === 'lobby') {
      this.finish(why, action);
      return;
    }
    this.lostAt = this.now();
    this.events.lost();
    if (this.over) return;
    const to = action === 'move' ? address(this.moveTo || reason) : '';
    if (to !== '') this.race(this.targets(to));
    else this.again(action !== 'resume');
  }

  /** Where the match may be: first the address that was named, then those that are known. */
  private targets(named: string): Target[] {
    const list: Target[] = [];
    const add = (url: string, after: number) => {
      if (url !== '' && !list.some((t) => t.url === url)) list.push({ url, after });
    };
    add(named, 0);
    if (named !== '' && this.standby === '') this.url = named;
    add(this.url, named === '' ? 0 : HEAD_START_MS);
    add(this.standby, named === '' ? 0 : HEAD_START_MS);
    add(this.located, 0);
    return list;
  }

  /** Connects again: at once, or after back-off. */
  private again(wait: boolean): void {
    if (this.over) return;
    if (this.now() - this.lostAt > (this.o.giveUpMs ?? 300_000)) {
      this.finish(1006, 'stop');
      return;
    }
    if (wait && this.o.locate) {
      this.o.locate().then(
        (url) => (this.located = address(url)),
        () => (this.located = ''),
      );
    }
    this.timer = setTimeout(() => this.race(this.targets('')), wait ? this.backoff.next() : 0);
  }
}
