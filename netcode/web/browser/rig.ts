// Starts a server for the browser test, and watches a match from outside through the client library.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { type Client, connect, type Entity, type SocketLike } from '../src/index.js';
import { repo } from '../test/repo.js';

/**
 * A port that nobody listens at and that the system gives to nobody else who asks for any: below the range of those (32768 on Linux), so
 * that it is still free when the server starts, and when it starts again.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; ; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const s = net.createServer();
    const free = await new Promise<boolean>((done) => {
      s.once('error', () => done(false));
      s.listen(port, '127.0.0.1', () => done(true));
    });
    if (free) {
      await new Promise((done) => s.close(done));
      return port;
    }
    if (tries === 100) throw new Error('no free port');
  }
}

/** Asks until the answer is not undefined, null, false or an error; fails after a while, saying what it waited for. */
export async function until<T>(what: string, f: () => Promise<T> | T, ms = 60_000): Promise<Exclude<T, undefined | null | false>> {
  const end = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const v = await f();
      if (v) return v as Exclude<T, undefined | null | false>;
      last = v;
    } catch (err) {
      last = err;
    }
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}; last: ${String(last)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A running `overtime serve` with bots, on ports of its own. */
export class Server {
  private log = '';
  private child: ChildProcess | undefined;
  private readonly dir = mkdtempSync(path.join(tmpdir(), 'overtime-browser-'));

  private constructor(
    readonly url: string,
    readonly admin: string,
    private readonly bots: number,
  ) {}

  static async start(bots: number): Promise<Server> {
    const s = new Server(`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`, bots);
    await s.run();
    return s;
  }

  private async run(): Promise<void> {
    const binary = process.env['OVERTIME_BIN'] ?? repo('bin/overtime');
    const args = ['serve', '--listen', this.url, '--admin', this.admin, '--data', this.dir, '--bots', String(this.bots)];
    this.child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr!.on('data', (d) => (this.log += String(d)));
    this.child.on('error', (err) => (this.log += String(err)));
    try {
      await until('the server', async () => (await fetch(`${this.url}/readyz`)).ok);
    } catch (err) {
      await this.stop();
      throw new Error(`${String(err)}\n${this.log}`);
    }
  }

  /** Kills the process without warning and starts another in its place, which knows none of its matches. */
  async crash(): Promise<void> {
    await this.end('SIGKILL');
    await this.run();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.child!;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 12_000);
    await gone;
    clearTimeout(late);
  }

  /** A match as the admin API shows it. */
  async match(id: string): Promise<Record<string, unknown>> {
    const r = await fetch(`${this.admin}/v1/matches/${id}`);
    assert.equal(r.status, 200, `GET match: ${r.status}`);
    return (await r.json()) as Record<string, unknown>;
  }

  /** Where a match is played and a token of the admin API for it. */
  async token(id: string, player: string): Promise<{ url: string; token: string }> {
    const r = await fetch(`${this.admin}/v1/matches/${id}/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ players: [{ id: player, name: player }] }),
    });
    assert.ok(r.ok, `tokens: ${r.status}`);
    const { url, tokens } = (await r.json()) as { url: string; tokens: Record<string, string> };
    return { url, token: tokens[player]! };
  }

  /** Joins a match from here: an outside view of what the server sends to everybody. */
  async watch(id: string): Promise<Client> {
    const c = connect({
      ...(await this.token(id, 'watcher')),
      socket: (u, protocol) => new WebSocket(u, protocol) as unknown as SocketLike,
    });
    await until('the watcher to be in', () => c.phase === 'playing');
    return c;
  }
}

/** The body of a player in a client's newest state, if he is alive. */
export function bodyOf(c: Client, player: number): Entity | undefined {
  const score = c.state.each('score').find((e) => e['player'] === player);
  return score && c.state.one('body', score['body']);
}

/** What the page says about itself on its body element. */
export async function dataset(page: { evaluate<T>(f: () => T): Promise<T> }): Promise<Record<string, string>> {
  return page.evaluate(() => ({ ...document.body.dataset }) as Record<string, string>);
}
