// Firefox as distributions ship it, driven by WebDriver BiDi (W3C), which it speaks itself. Playwright's own client of BiDi asks for
// commands that only the newest Firefox has; what a test needs are these few.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import type { Tab } from './tab.js';

/** How long Firefox may take to start and to end, ms. */
const PATIENCE_MS = 60_000;

type Json = Record<string, any>;

/** Starts Firefox with an empty profile and opens a page. With a debugging port it looks for no updates and the like by itself. */
export async function firefox(): Promise<Tab> {
  const profile = mkdtempSync(path.join(tmpdir(), 'overtime-firefox-'));
  const program = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const end = async (patience: number) => {
    const late = setTimeout(kill, patience);
    await ended;
    clearTimeout(late);
    process.off('exit', kill);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const bidi = await Bidi.connect(await address(child));
    return await open(bidi, async () => {
      await bidi.send('browser.close');
      await end(PATIENCE_MS);
    });
  } catch (err) {
    await end(0);
    throw err;
  }
}

/** The address that Firefox prints when it listens. */
function address(child: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    let log = '';
    const late = setTimeout(() => failed(new Error(`Firefox does not listen\n${log}`)), PATIENCE_MS);
    child.once('error', failed);
    child.once('exit', (code, signal) => failed(new Error(`Firefox ended: ${code ?? signal}\n${log}`)));
    child.stderr!.on('data', (d) => {
      const at = /WebDriver BiDi listening on (\S+)\n/.exec((log = (log + String(d)).slice(-4096)));
      if (!at) return;
      clearTimeout(late);
      done(`${at[1]}/session`);
    });
  });
}

/** A connection to a browser: commands with answers, and events. */
class Bidi {
  onevent: (method: string, params: Json) => void = () => {};
  private id = 0;
  private readonly waiting = new Map<number, (m: Json) => void>();

  private constructor(private readonly ws: WebSocket) {
    ws.on('message', (d) => {
      const m = JSON.parse(String(d)) as Json;
      if (m['type'] === 'event') return this.onevent(m['method'], m['params']);
      this.waiting.get(m['id'])?.(m);
      this.waiting.delete(m['id']);
    });
    ws.on('close', () => {
      for (const answer of this.waiting.values()) answer({ error: 'closed', message: 'the connection is closed' });
    });
  }

  static async connect(url: string): Promise<Bidi> {
    const ws = new WebSocket(url, { handshakeTimeout: PATIENCE_MS });
    await new Promise((done, failed) => ws.on('open', done).on('error', failed));
    return new Bidi(ws);
  }

  async send(method: string, params: Json = {}): Promise<Json> {
    if (this.ws.readyState !== WebSocket.OPEN) throw new Error(`${method}: the connection is closed`);
    const id = ++this.id;
    const answer = await new Promise<Json>((done) => {
      this.waiting.set(id, done);
      this.ws.send(JSON.stringify({ id, method, params }));
    });
    if (answer['error']) throw new Error(`${method}: ${answer['error']}: ${answer['message']}`);
    return answer['result'];
  }
}

async function open(bidi: Bidi, close: () => Promise<void>): Promise<Tab> {
  await bidi.send('session.new', { capabilities: {} });
  const context = (await bidi.send('browsingContext.getTree'))['contexts'][0].context as string;
  const problems: string[] = [];
  const extensions: string[] = [];
  bidi.onevent = (method, params) => {
    if (method === 'network.responseStarted') {
      if (params['response'].status === 101) extensions.push(accepted(params['response'].headers));
    } else if (params['level'] === 'error' && !/connection to .*wss?:/.test(params['text'])) problems.push(params['text']);
  };
  await bidi.send('session.subscribe', { events: ['log.entryAdded', 'network.responseStarted'], contexts: [context] });
  await bidi.send('browsingContext.setViewport', { context, viewport: { width: 1280, height: 720 }, devicePixelRatio: 1 });
  const key = async (type: string, value: string) =>
    void (await bidi.send('input.performActions', { context, actions: [{ type: 'key', id: 'keyboard', actions: [{ type, value }] }] }));
  return {
    problems,
    extensions,
    goto: async (url) => void (await bidi.send('browsingContext.navigate', { context, url, wait: 'complete' })),
    evaluate: async <T>(f: () => T | Promise<T>) => {
      const functionDeclaration = `async () => JSON.stringify(await (${f})())`;
      const r = await bidi.send('script.callFunction', { functionDeclaration, target: { context }, awaitPromise: true });
      if (r['type'] !== 'success') throw new Error(r['exceptionDetails'].text);
      return r['result'].type === 'string' ? (JSON.parse(r['result'].value) as T) : (undefined as T);
    },
    down: (k) => key('keyDown', k),
    up: (k) => key('keyUp', k),
    close,
  };
}

function accepted(headers: { name: string; value: { value: string } }[]): string {
  return headers.find((h) => h.name.toLowerCase() === 'sec-websocket-extensions')?.value.value ?? '';
}
