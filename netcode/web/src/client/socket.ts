// One WebSocket, from opening to the end, which is reported once.

/** The part of a WebSocket that the client uses; the browser's and that of the package ws both have it. */
export interface SocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onopen: ((e: never) => void) | null;
  onmessage: ((e: never) => void) | null;
  onclose: ((e: never) => void) | null;
  onerror: ((e: never) => void) | null;
}

export interface SocketEvents {
  opened(): void;
  received(data: ArrayBuffer): void;
  /** The connection is over; opened says whether it ever was open. */
  closed(code: number, reason: string, opened: boolean): void;
}

export class Socket {
  private over = false;
  private isOpen = false;

  constructor(
    private readonly ws: SocketLike,
    private readonly events: SocketEvents,
  ) {
    ws.binaryType = 'arraybuffer';
    ws.onopen = () => {
      this.isOpen = true;
      events.opened();
    };
    ws.onmessage = (e: { data: unknown }) => {
      if (!this.over && e.data instanceof ArrayBuffer) events.received(e.data);
    };
    ws.onclose = (e: { code: number; reason: string }) => this.end(e.code, e.reason);
    ws.onerror = () => {}; // close follows
  }

  get open(): boolean {
    return this.isOpen && !this.over;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.open) this.ws.send(data);
  }

  /** Ends the connection without waiting for the other side's answer, which may never come. */
  end(code: number, reason: string): void {
    if (this.over) return;
    const opened = this.isOpen;
    this.drop();
    this.events.closed(code, reason, opened);
  }

  /** Lets go of the connection without a report. */
  drop(code = 1000): void {
    if (this.over) return;
    this.over = true;
    const ws = this.ws;
    ws.onopen = ws.onmessage = ws.onclose = null;
    try {
      ws.close(code);
    } catch {
      // A socket that never opened may refuse; it is gone either way.
    }
  }
}
