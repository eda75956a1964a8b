// A client whose server, sockets and clock are made by hand.
import type { TestContext } from 'node:test';
import { type Client, connect, type Options } from '../src/client/client.js';
import type { SocketLike } from '../src/client/socket.js';
import { frame, type KindSpec, pong, read, welcome, type WelcomeSpec } from './frames.js';

export const kinds: KindSpec[] = [
  { name: 'thing', fields: [{ name: 'x', bits: 16, linear: true }] },
  { name: 'overtime.ack', fields: [{ name: 'merged', bits: 8 }, { name: 'sample', bits: 32, linear: true }, { name: 'command', bits: 32 }] },
];
/** The channel of player 7's own rows. */
export const OWN = 0x80000007;

/** One connection as the server sees it. */
export class FakeSocket implements SocketLike {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((e: never) => void) | null = null;
  onmessage: ((e: never) => void) | null = null;
  onclose: ((e: never) => void) | null = null;
  onerror: ((e: never) => void) | null = null;
  readonly sent: ReturnType<typeof read>[] = [];
  closedWith: number | undefined;

  constructor(readonly url: string) {}
  send(data: Uint8Array<ArrayBuffer>): void {
    this.sent.push(read(data));
  }
  close(code?: number): void {
    this.closedWith = code ?? 1005;
  }
  open(): void {
    this.onopen?.({} as never);
  }
  say(...data: ArrayBuffer[]): void {
    for (const d of data) this.onmessage?.({ data: d } as never);
  }
  lose(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason } as never);
  }
  samples(): number[] {
    return this.sent.flatMap((m) => Array.from({ length: m.samplesLength() }, (_, i) => m.samples(i)!.seq()));
  }
  commands(): number[] {
    return this.sent.filter((m) => m.commandNumber() > 0).map((m) => m.commandNumber());
  }
  hello() {
    return this.sent.map((m) => m.hello()).find((h) => h);
  }
}

export class Rig {
  now = 1000;
  readonly sockets: FakeSocket[] = [];
  readonly client: Client;
  readonly log: string[] = [];

  constructor(private readonly t: TestContext, o: Partial<Options> = {}) {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    this.client = connect({
      url: 'ws://one/v1/play',
      token: 'player-token',
      now: () => this.now,
      backoff: { random: () => 0.5, firstMs: 200, maxMs: 2000 },
      socket: (url) => {
        const s = new FakeSocket(url);
        this.sockets.push(s);
        return s;
      },
      ...o,
    });
    this.client.on('phase', (p) => this.log.push(p));
    this.client.on('end', (e) => this.log.push(`${e.action}:${e.code}`));
    t.after(() => this.client.leave());
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 5) {
      this.now += Math.min(5, left);
      this.t.mock.timers.tick(Math.min(5, left));
    }
  }

  /** Lets the client in and gives it a first state. */
  join(w: WelcomeSpec = {}, tick = 100): this {
    this.socket.open();
    this.socket.say(welcome({ kinds, tick, ...w }));
    this.key(tick, w.epoch);
    return this;
  }

  key(tick: number, epoch = 1): void {
    this.socket.say(frame({ tick, keyframe: true, epoch, hash: 0 }));
  }

  /** Answers all pings so far: the server's clock is at tick 100 when ours is at 1000. */
  pongs(): void {
    for (const m of this.socket.sent.splice(0)) {
      if (m.ping() === 0) continue;
      const tick = 100 + ((this.now - 1000) * 30) / 1000;
      this.socket.say(pong(m.ping(), Math.floor(tick), Math.floor((tick % 1) * 33333), -30));
    }
  }
}

