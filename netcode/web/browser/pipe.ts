// A WebSocket of another language: a program that has the connection, and two pipes to it. See pipe.py for the packets.

import { type ChildProcess, spawn } from 'node:child_process';
import type { SocketLike } from '../src/index.js';

export class PipeSocket implements SocketLike {
  binaryType = 'arraybuffer';
  readonly bufferedAmount = 0;
  onopen: ((e: never) => void) | null = null;
  onmessage: ((e: never) => void) | null = null;
  onclose: ((e: never) => void) | null = null;
  onerror: ((e: never) => void) | null = null;
  /** What the server accepted. */
  extensions = '';
  /** Pings with payload that were answered. */
  pongs = 0;
  /** What the program had to say about what went wrong. */
  log = '';
  private readonly child: ChildProcess;
  private rest = Buffer.alloc(0);

  constructor(command: string, args: string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (d: Buffer) => this.take(d));
    this.child.stderr!.on('data', (d) => (this.log += String(d)));
    this.child.stdin!.on('error', () => {}); // it has ended
    this.child.on('error', (err) => (this.log += String(err)));
    this.child.on('exit', () => this.onclose?.({ code: 1006, reason: '' } as never));
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.packet('M', data);
  }

  close(): void {
    this.packet('C', new Uint8Array(0));
    this.child.stdin!.end();
    setTimeout(() => this.child.kill('SIGKILL'), 3000).unref();
  }

  private packet(kind: string, data: Uint8Array): void {
    const head = Buffer.alloc(5);
    head.write(kind, 'latin1');
    head.writeUInt32LE(data.length, 1);
    this.child.stdin!.write(Buffer.concat([head, data]));
  }

  private take(d: Buffer): void {
    this.rest = Buffer.concat([this.rest, d]);
    while (this.rest.length >= 5) {
      const end = 5 + this.rest.readUInt32LE(1);
      if (this.rest.length < end) return;
      const kind = this.rest.toString('latin1', 0, 1);
      const data = this.rest.subarray(5, end);
      this.rest = this.rest.subarray(end);
      this.event(kind, data);
    }
  }

  private event(kind: string, data: Buffer): void {
    switch (kind) {
      case 'O':
        this.extensions = data.toString();
        this.onopen?.({} as never);
        return;
      case 'M':
        this.onmessage?.({ data: new Uint8Array(data).buffer } as never);
        return;
      case 'P':
        this.pongs++;
        return;
      case 'C':
        this.onclose?.({ code: data.readUInt16LE(), reason: '' } as never);
    }
  }
}
