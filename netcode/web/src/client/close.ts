// What a client does about the end of a connection. The table is that of schema/closecode.go; a test compares the two.

export type Action =
  | 'resume' // resume; after the first failed attempt with back-off
  | 'backoff' // resume, but wait first
  | 'move' // resume there now; the reason carries the address
  | 'retry' // connect again after back-off; the seat, if any, is kept
  | 'lobby' // back to the lobby: this match is lost
  | 'stop'; // do not connect again

interface Code {
  readonly action: Action;
  readonly text: string;
}

// The product's own codes, 4000 to 4014, in order.
const own: readonly Code[] = [
  { action: 'lobby', text: 'match failed' },
  { action: 'stop', text: 'token missing, wrong or expired' },
  { action: 'stop', text: 'malformed message' },
  { action: 'stop', text: 'not allowed' },
  { action: 'stop', text: 'match is over or unknown' },
  { action: 'stop', text: 'replaced by a newer connection' },
  { action: 'stop', text: 'resume token used or wrong' },
  { action: 'resume', text: 'sequence out of bounds' },
  { action: 'backoff', text: 'rate limit' },
  { action: 'resume', text: 'no heartbeat' },
  { action: 'move', text: 'moved' },
  { action: 'resume', text: 'too slow for too long' },
  { action: 'stop', text: 'protocol version' },
  { action: 'retry', text: 'server full or draining' },
  { action: 'stop', text: 'removed' },
];

const standard: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1007: 'inconsistent data',
  1009: 'message too big',
  1011: 'internal error',
};

/**
 * The action for a close code. No code (0, 1005, or 1006 as browsers report it) is a broken connection and is resumed, so is a
 * server that goes away (1001); a protocol error, bad data or a message too big would only happen again; any other code is
 * resumed after back-off.
 */
export function actionFor(code: number): Action {
  const c = own[code - 4000];
  if (c) return c.action;
  switch (code) {
    case 0:
    case 1001:
    case 1005:
    case 1006:
      return 'resume';
    case 1000:
    case 1002:
    case 1003:
    case 1007:
    case 1009:
      return 'stop';
  }
  return 'backoff';
}

/** The code's meaning in a few plain words. */
export function closeText(code: number): string {
  return own[code - 4000]?.text ?? standard[code] ?? `close code ${code}`;
}
