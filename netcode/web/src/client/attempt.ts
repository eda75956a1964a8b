// One address that is being tried: dialling, saying hello, and what the server says before it lets us in.

import { actionFor } from './close.js';
import { open, SUBPROTOCOL } from './messages.js';
import { Socket, type SocketLike } from './socket.js';

/** Moves that one attempt follows. */
const MAX_MOVES = 3;

/** Reason of a close with 4001 for want of a hello, as the server words it. */
const NO_HELLO = 'no hello';

/** How an attempt ended that was not let in. */
export interface Failure {
  /** Close code; 1006 if there was none. */
  readonly code: number;
  /** Where the server sends us, '' if nowhere. */
  readonly moveTo: string;
}

export interface AttemptEvents {
  /** Makes a socket; may throw. */
  make(url: string, protocol: string): SocketLike;
  /** The first message of a connection. */
  hello(): Uint8Array<ArrayBuffer>;
  /** The server's token for the node that it sends us to. */
  token(resume: string): void;
  /** A message that makes no sense came. */
  broken(): void;
  /** A welcome of an epoch: true if this is the connection to play on. The data follows by received. */
  welcomed(epoch: number): boolean;
  /** Data of the connection to play on. */
  received(data: ArrayBuffer): void;
  /** The attempt was not let in. */
  failed(f: Failure): void;
  /** The connection to play on is over. */
  closed(code: number, reason: string): void;
}

export class Attempt {
  /** Moves that it has followed. */
  moves = 0;
  /** The match was not known there when last asked. */
  unknown = false;
  private socket: Socket | undefined;
  private playing = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private bye: number | undefined;
  private moveTo = '';

  constructor(
    public url: string,
    private readonly events: AttemptEvents,
  ) {}

  /** Dials after a while. */
  start(afterMs: number): void {
    clearTimeout(this.timer);
    if (afterMs > 0) this.timer = setTimeout(() => this.dial(), afterMs);
    else this.dial();
  }

  /** Turns to another address; false if it has turned too often. */
  turn(url: string): boolean {
    if (++this.moves > MAX_MOVES) return false;
    this.url = url;
    return true;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.socket?.send(data);
  }

  /** Breaks the connection off; this is reported. */
  cut(reason: string): void {
    this.socket?.end(1006, reason);
  }

  /** Lets go without a report. */
  drop(): void {
    clearTimeout(this.timer);
    this.socket?.drop();
    this.socket = undefined;
  }

  private dial(): void {
    this.drop();
    this.bye = undefined;
    this.moveTo = '';
    let ws: SocketLike;
    try {
      ws = this.events.make(this.url, SUBPROTOCOL);
    } catch {
      this.events.failed({ code: 1006, moveTo: '' }); // an address that no socket can be made for
      return;
    }
    const socket = new Socket(ws, {
      opened: () => socket.send(this.events.hello()),
      received: (data) => {
        if (this.playing || this.admit(data)) this.events.received(data);
      },
      closed: (code, reason) => this.over(code, reason),
    });
    this.socket = socket;
  }

  /** Takes what comes before and with the welcome; true for the welcome of the connection to play on. */
  private admit(data: ArrayBuffer): boolean {
    try {
      const m = open(data);
      const w = m.welcome();
      if (w) {
        this.playing = this.events.welcomed(w.epoch());
        if (!this.playing) this.cut('not this one');
        return this.playing;
      }
      this.bye = m.bye()?.code() ?? this.bye;
      const move = m.move();
      this.moveTo = move?.url() || this.moveTo;
      const token = move?.token();
      if (token) this.events.token(token);
    } catch {
      this.events.broken();
      this.cut('bad message');
    }
    return false;
  }

  private over(code: number, reason: string): void {
    this.socket = undefined;
    if (this.playing) {
      this.playing = false;
      this.events.closed(code, reason);
      return;
    }
    const lost = code === 4001 && reason === NO_HELLO; // the hello did not get there in time: that says nothing about the token
    const why = lost ? 1006 : (this.bye ?? code);
    this.events.failed({ code: why, moveTo: actionFor(why) === 'move' ? address(this.moveTo || reason) : '' });
  }
}

/** The address if it is one of a WebSocket, else ''. */
export function address(url: string): string {
  return /^wss?:\/\/[^/]/.test(url) ? url : '';
}
