// WebSocket implementations that nobody here wrote, each against a real server with bots: they inflate what all players of a
// match are sent as one stream with references back, with pings between. The client library sits on top and compares hashes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { isFrame, open } from '../src/client/messages.js';
import { type Client, connect, type SocketLike } from '../src/index.js';
import { repo } from '../test/repo.js';
import { PipeSocket } from './pipe.js';
import { Server, until } from './rig.js';

/** How many states each checks before and after the middle of his play; one tick brings one, where a client is not behind. */
const CHECKS = 120;
/** How many of his own pings each must see answered. */
const PONGS = 8;
const PAYLOAD = Buffer.alloc(100, 7);

let server: Server;
let match: string;
const dir = mkdtempSync(path.join(tmpdir(), 'overtime-interop-'));
const binary = path.join(dir, 'wspipe');

before(async () => {
  execFileSync('go', ['build', '-C', repo('.ci'), '-o', binary, './wspipe'], { stdio: 'inherit' });
  server = await Server.start(6);
  match = await until('a match with bots', async () => {
    const r = await fetch(`${server.admin}/v1/matches`);
    const { matches } = (await r.json()) as { matches: { match_id: string; players: number }[] };
    return matches.find((m) => m.players >= 6)?.match_id;
  });
});

after(async () => {
  rmSync(dir, { recursive: true, force: true });
  await server?.stop();
});

/** Plays over sockets of some kind until pings have been answered, walking to and fro, and checks that every state was right. */
async function play(
  name: string,
  socket: (url: string, protocol: string) => SocketLike,
  pongs: () => number,
  halfway?: (c: Client) => Promise<void>,
): Promise<void> {
  const c = connect({ ...(await server.token(match, name)), socket });
  try {
    let n = 0;
    c.controls(() => ({ axes: [n++ % 60 < 30 ? 20000 : -20000, 0] }));
    await until(`${name} to be in`, () => c.phase === 'playing');
    await until('states that were checked', () => c.stats().hashChecks >= CHECKS);
    await halfway?.(c);
    const checked = c.stats().hashChecks;
    await until('as many again', () => c.stats().hashChecks >= checked + CHECKS);
    await until('answers to pings', () => pongs() >= PONGS);
    const s = c.stats();
    assert.deepEqual([s.hashMismatches, s.decodeErrors], [0, 0]);
    assert.equal(s.reconnects, halfway ? 1 : 0);
  } finally {
    c.leave();
  }
}

/** Whether the server's messages may refer to earlier ones. */
function takesOver(extensions: string): boolean {
  return /permessage-deflate/.test(extensions) && !/server_no_context_takeover/.test(extensions);
}

/**
 * Bytes off the socket for a byte of messages, in the best 60 messages in a row: who misses frames, as all do on a busy machine, is
 * sent plain ones for some seconds.
 */
class Ratio {
  value = Infinity;
  private wire = 0;
  private inflated = 0;
  private messages = 0;

  /** Takes a message and what came off the socket since the last one: nothing if both came at once, so a count begins where something came. */
  add(wire: number, inflated: number): void {
    if (wire > 0 && this.messages >= 60) {
      this.value = Math.min(this.value, this.wire / this.inflated);
      this.wire = this.inflated = this.messages = 0;
    }
    this.wire += wire;
    this.inflated += inflated;
    this.messages++;
  }
}

/** Plays in this process; after a reconnection it must go on from the state that it has. */
async function ws(): Promise<void> {
  let extensions = '';
  let pongs = 0;
  const best = new Ratio();
  const keyframes: boolean[] = []; // of each connection: whether its first state frame was one
  const socket = (url: string, protocol: string) => {
    const ws = new WebSocket(url, protocol);
    const nth = keyframes.length;
    const pings = setInterval(() => ws.readyState === ws.OPEN && ws.ping(PAYLOAD), 600);
    ws.on('pong', (p) => (pongs += Number(p.equals(PAYLOAD))));
    ws.on('close', () => clearInterval(pings));
    let read = 0;
    ws.on('upgrade', (r) => {
      extensions = r.headers['sec-websocket-extensions'] ?? '';
      const { socket } = r;
      ws.on('message', (data: ArrayBuffer) => {
        best.add(socket.bytesRead - read, data.byteLength);
        read = socket.bytesRead;
      });
    });
    ws.on('message', (data: ArrayBuffer) => {
      const m = open(data);
      if (isFrame(m) && m.channel() === 0) keyframes[nth] ??= m.keyframe();
    });
    return ws as unknown as SocketLike;
  };
  await play('ws', socket, () => pongs, async (c) => {
    await until('frames over the shared window', () => best.value < 0.8, 60_000);
    c.cut();
  });
  assert.ok(takesOver(extensions), extensions);
  assert.deepEqual(keyframes, [true, false]);
}

/** Plays over a program that has the connection. */
async function piped(name: string, command: string, args: string[], shared: boolean): Promise<void> {
  let s: PipeSocket | undefined;
  try {
    await play(name, (url, protocol) => (s = new PipeSocket(command, [...args, url, protocol])), () => s?.pongs ?? 0);
  } catch (err) {
    throw new Error(`${String(err)}\n${s?.log}`);
  }
  assert.equal(takesOver(s!.extensions), shared, s!.extensions);
  assert.equal(s!.log, '');
}

const PYTHON = '/usr/bin/python3';

function hasWebsockets(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import websockets'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('decodes what the server sends', { concurrency: true }, () => {
  test('ws', ws);
  test('python3-websockets', { skip: !hasWebsockets() && 'python3-websockets is not installed' }, () =>
    piped('python', PYTHON, [repo('netcode/web/browser/pipe.py')], true));
  test('coder/websocket', () => piped('coder', binary, ['coder'], true));
  test('gorilla/websocket, which keeps no window', () => piped('gorilla', binary, ['gorilla'], false));
});
