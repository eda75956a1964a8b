import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { actionFor, closeText } from '../src/client/close.js';
import { repo } from './repo.js';

// The server's table is the one truth; this reads it.
const source = readFileSync(repo('schema/closecode.go'), 'utf8');
const codes = new Map([...source.matchAll(/^\s*(Close\w+)\s+CloseCode = (\d+)/gm)].map((m) => [m[1]!, Number(m[2])]));
const names: Record<string, string> = {
  ActionResume: 'resume', ActionBackOff: 'backoff', ActionMove: 'move', ActionRetry: 'retry', ActionLobby: 'lobby', ActionStop: 'stop',
};

test('the actions are those of the server', () => {
  const actions = [...source.matchAll(/^\s*(Close\w+) - 4000:\s+(Action\w+)/gm)];
  assert.equal(actions.length, 15);
  for (const [, code, action] of actions) {
    assert.equal(actionFor(codes.get(code!)!), names[action!], code);
  }
});

test('the texts are those of the server', () => {
  const texts = [...source.matchAll(/^\s*(Close\w+):\s+"([^"]+)"/gm)];
  assert.equal(texts.length, 22);
  for (const [, code, text] of texts) assert.equal(closeText(codes.get(code!)!), text, code);
});

test('codes that are not the product\'s own', () => {
  for (const c of [0, 1001, 1005, 1006]) assert.equal(actionFor(c), 'resume', String(c));
  for (const c of [1000, 1002, 1003, 1007, 1009]) assert.equal(actionFor(c), 'stop', String(c));
  for (const c of [1011, 1012, 3000, 4015, 4999]) assert.equal(actionFor(c), 'backoff', String(c));
});
