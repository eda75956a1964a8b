// The connections of one client, one after the other: dialling, noticing that one is dead, coming back, giving up.

import { Backoff, type BackoffOptions } from './backoff.js';
import { type Action, actionFor } from './close.js';
import { SUBPROTOCOL } from './messages.js';
import { Socket, type SocketLike } from './socket.js';

/** Silence after which a connection is taken for dead, and time from dialling to the welcome, ms. */
const SILENCE_MS = 6000;
const WELCOME_MS = 8000;

export interface ConnectionOptions {
  /** WebSocket address. */
  url: string;
  /** Makes the socket; the browser's WebSocket by default. */
  socket?: (url: string, protocol: string) => SocketLike;
  /** A monotonic clock in ms; performance.now by default. */
  now?: () => number;
  backoff?: BackoffOptions;
  /** Gives up when a reconnection takes longer than this, ms; 5 minutes by default. */
  giveUpMs?: number;
}

export interface ConnectionEvents {
  /** A socket is open: say hello. */
  opened(): void;
  received(data: ArrayBuffer): void;
  /** A connection that had worked is lost; the next attempt is on its way. */
  lost(): void;
  /** Nothing more will be tried. */
  ended(code: number, action: Action): void;
}

export class Connection {
  readonly now: () => number;
  private readonly backoff: Backoff;
  private socket: Socket | undefined;
  private url: string;
  private standby = '';
  private over = false;
  private welcomed = false;
  private dialled = 0;
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
    this.url = o.url;
    this.lostAt = this.now();
  }

  /** Whether the server has let us in on the present connection. */
  get works(): boolean {
    return this.welcomed;
  }

  dial(): void {
    clearTimeout(this.timer);
    this.welcomed = false;
    this.dialled = this.heard = this.now();
    this.bye = undefined;
    const make = this.o.socket ?? ((url, protocol) => new WebSocket(url, protocol) as unknown as SocketLike);
    let ws: SocketLike;
    try {
      ws = make(this.url, SUBPROTOCOL);
    } catch {
      this.again(true); // an address that no socket can be made for; the next may do
      return;
    }
    this.socket = new Socket(ws, {
      opened: () => this.events.opened(),
      received: (data) => {
        this.heard = this.now();
        this.events.received(data);
      },
      closed: (code, reason) => this.closed(code, reason),
    });
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.socket?.send(data);
  }

  /** Breaks the present connection off; the next follows. */
  cut(reason: string): void {
    this.socket?.end(1006, reason);
  }

  /** The server has let us in, and says where to go when it does not answer. */
  welcome(standby: string): void {
    this.welcomed = true;
    this.standby = standby;
  }

  /** State arrives: the next loss starts with a quick attempt again. */
  proved(): void {
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
    const quiet = this.now() - (this.welcomed ? this.heard : this.dialled);
    if (quiet > (this.welcomed ? SILENCE_MS : WELCOME_MS)) this.cut('silence');
  }

  /** Ends everything. */
  finish(code: number, action: Action): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.socket?.drop();
    this.socket = undefined;
    this.welcomed = false;
    this.events.ended(code, action);
  }

  private closed(code: number, reason: string): void {
    const worked = this.welcomed;
    this.socket = undefined;
    this.welcomed = false;
    const why = this.bye ?? code;
    const action = actionFor(why);
    if (action === 'stop' || action === 'lobby') {
      this.finish(why, action);
      return;
    }
    if (worked) {
      this.lostAt = this.now();
      this.events.lost();
    }
    if (action === 'move' && this.follow(reason)) this.dial();
    else this.again(action !== 'resume' || !worked);
  }

  /** Turns to the address that a move names; false if it names none. */
  private follow(reason: string): boolean {
    const url = this.moveTo || reason;
    this.moveTo = '';
    if (!/^wss?:\/\//.test(url)) return false;
    this.url = url;
    return true;
  }

  /** Connects again: at once, or after back-off and then at the other address if there is one. */
  private again(wait: boolean): void {
    if (this.over) return;
    if (this.now() - this.lostAt > (this.o.giveUpMs ?? 300_000)) {
      this.finish(1006, 'stop');
      return;
    }
    if (wait && this.standby) [this.url, this.standby] = [this.standby, this.url];
    this.timer = setTimeout(() => this.dial(), wait ? this.backoff.next() : 0);
  }
}
