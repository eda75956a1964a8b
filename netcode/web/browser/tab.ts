// One page in a browser: what the browser test asks of any of them, and Chromium, driven by Playwright.

import { chromium, type Browser } from 'playwright-core';
import { firefox } from './firefox.js';

/** A page of 1280 x 720 pixels in a headless browser of its own. */
export interface Tab {
  goto(url: string): Promise<void>;
  /** Runs a function in the page, which sees nothing from outside; its result must be JSON. */
  evaluate<T>(f: () => T | Promise<T>): Promise<T>;
  /** Presses and releases a key that makes one character. */
  down(key: string): Promise<void>;
  up(key: string): Promise<void>;
  /** Errors that the page reported; a refused connection is none, the browser logs it while the server is away. */
  readonly problems: readonly string[];
  /** What the server accepted for each of the page's sockets. */
  readonly extensions: readonly string[];
  close(): Promise<void>;
}

/** Opens an empty page in the browser that the environment names: OVERTIME_BROWSER=chromium (default) or firefox. */
export async function openTab(): Promise<Tab> {
  const name = process.env['OVERTIME_BROWSER'] ?? 'chromium';
  if (name === 'firefox') return firefox();
  if (name !== 'chromium') throw new Error(`OVERTIME_BROWSER=${name}: chromium or firefox`);
  const browser = await launch();
  try {
    return await open(browser);
  } catch (err) {
    await browser.close();
    throw err;
  }
}

/** Flags of a browser that talks to nobody but us. */
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--force-color-profile=srgb',
];

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

async function open(browser: Browser): Promise<Tab> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1 });
  const problems: string[] = [];
  const extensions: string[] = [];
  const cdp = await page.context().newCDPSession(page);
  cdp.on('Network.webSocketHandshakeResponseReceived', ({ response }) => {
    const name = Object.keys(response.headers).find((h) => h.toLowerCase() === 'sec-websocket-extensions');
    extensions.push(name ? response.headers[name]! : '');
  });
  await cdp.send('Network.enable');
  page.on('pageerror', (e) => problems.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && !/ERR_CONNECTION|WebSocket connection/.test(m.text()) && problems.push(m.text()));
  return {
    problems,
    extensions,
    goto: async (url) => void (await page.goto(url)),
    evaluate: (f) => page.evaluate(f),
    down: (key) => page.keyboard.down(key),
    up: (key) => page.keyboard.up(key),
    close: () => browser.close(),
  };
}
