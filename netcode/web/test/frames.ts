// Builds messages of the server by hand, for tests.

import * as flatbuffers from 'flatbuffers';
import {
  Bye, ClientMessage, Field, Head, Kind, Message, Move, Pong, RosterEntry, ServerMessage, Standby, Welcome,
} from '../../../schema/ts/wire.js';
import { type Kind as ClientKind, fieldOf, Kind as KindTable } from '../src/client/kinds.js';

export interface FieldSpec { name: string; bits: number; signed?: boolean; wraps?: boolean; linear?: boolean; jump?: number }
export interface KindSpec { name: string; fields: FieldSpec[] }

const flags = (f: FieldSpec) => (f.signed ? 1 : 0) | (f.wraps ? 2 : 0) | (f.linear ? 4 : 0);

export function tables(specs: KindSpec[]): ClientKind[] {
  return specs.map((k, i) => new KindTable(i, k.name, k.fields.map((f) => fieldOf(f.name, f.bits, flags(f), f.jump ?? 0))));
}

export interface FrameSpec {
  tick: number; hash?: number; rows?: number[]; small?: number[]; wide?: number[]; base?: number; channel?: number;
  keyframe?: boolean; epoch?: number; full?: boolean;
}

const finish = (b: flatbuffers.Builder, root: number): ArrayBuffer => {
  b.finish(root);
  const bytes = b.asUint8Array();
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
};

export function frame(f: FrameSpec): ArrayBuffer {
  const b = new flatbuffers.Builder(256);
  const S = ServerMessage;
  const wide = f.wide ? S.createWideVector(b, f.wide) : 0;
  const small = f.small ? S.createSmallVector(b, f.small) : 0;
  const rows = f.rows ? S.createRowsVector(b, f.rows) : 0;
  S.startServerMessage(b);
  if (f.keyframe || f.full) {
    S.addTick(b, f.tick);
    S.addHash(b, f.hash ?? 0);
  }
  if (f.keyframe) S.addKeyframe(b, true);
  S.addEpoch(b, f.epoch ?? 0);
  S.addChannel(b, f.channel ?? 0);
  S.addBase(b, f.base ?? 0);
  if (wide) S.addWide(b, wide);
  if (small) S.addSmall(b, small);
  if (rows) S.addRows(b, rows);
  S.addHead(b, Head.createHead(b, (f.tick ^ (f.hash ?? 0)) & 0xffff));
  return finish(b, S.endServerMessage(b));
}

export interface WelcomeSpec {
  match?: string; player?: number; hz?: number; every?: number; kinds?: KindSpec[]; resume?: string; sample?: number;
  command?: number; message?: number; standby?: string; tick?: number; epoch?: number;
}

export function welcome(w: WelcomeSpec): ArrayBuffer {
  const b = new flatbuffers.Builder(256);
  const kinds = Welcome.createKindsVector(b, (w.kinds ?? []).map((k) => {
    const fields = Kind.createFieldsVector(b, k.fields.map((f) => {
      const name = b.createString(f.name);
      return Field.createField(b, name, f.bits, flags(f), f.jump ?? 0);
    }));
    const name = b.createString(k.name);
    return Kind.createKind(b, name, fields);
  }));
  const match = b.createString(w.match ?? 'm1');
  const resume = b.createString(w.resume ?? 'r1');
  const standby = b.createString(w.standby ?? '');
  Welcome.startWelcome(b);
  Welcome.addMatch(b, match);
  Welcome.addPlayer(b, w.player ?? 7);
  Welcome.addHz(b, w.hz ?? 30);
  Welcome.addEvery(b, w.every ?? 1);
  Welcome.addEpoch(b, w.epoch ?? 1);
  Welcome.addTick(b, w.tick ?? 0);
  Welcome.addKinds(b, kinds);
  Welcome.addResume(b, resume);
  Welcome.addStandby(b, standby);
  Welcome.addSample(b, w.sample ?? 0);
  Welcome.addCommand(b, w.command ?? 0);
  Welcome.addMessage(b, w.message ?? 0);
  const at = Welcome.endWelcome(b);
  ServerMessage.startServerMessage(b);
  ServerMessage.addWelcome(b, at);
  return finish(b, ServerMessage.endServerMessage(b));
}

export function messages(list: { number: number; kind?: number; text: string }[]): ArrayBuffer {
  const b = new flatbuffers.Builder(256);
  const v = ServerMessage.createMessagesVector(b, list.map((m) => {
    const data = Message.createDataVector(b, new TextEncoder().encode(m.text));
    return Message.createMessage(b, m.number, m.kind ?? 0, data);
  }));
  ServerMessage.startServerMessage(b);
  ServerMessage.addMessages(b, v);
  return finish(b, ServerMessage.endServerMessage(b));
}

export function pong(client: number, tick: number, fracUs: number, latenessMs = 0): ArrayBuffer {
  const b = new flatbuffers.Builder(64);
  ServerMessage.startServerMessage(b);
  ServerMessage.addPong(b, Pong.createPong(b, client, tick, fracUs, latenessMs, 0));
  return finish(b, ServerMessage.endServerMessage(b));
}

export function move(url: string, token: string): ArrayBuffer {
  const b = new flatbuffers.Builder(64);
  const u = b.createString(url);
  const t = b.createString(token);
  const at = Move.createMove(b, u, t);
  ServerMessage.startServerMessage(b);
  ServerMessage.addMove(b, at);
  return finish(b, ServerMessage.endServerMessage(b));
}

export function standby(url: string): ArrayBuffer {
  const b = new flatbuffers.Builder(64);
  const at = Standby.createStandby(b, b.createString(url));
  ServerMessage.startServerMessage(b);
  ServerMessage.addStandby(b, at);
  return finish(b, ServerMessage.endServerMessage(b));
}

export function bye(code: number, reason: string): ArrayBuffer {
  const b = new flatbuffers.Builder(64);
  const r = b.createString(reason);
  const at = Bye.createBye(b, code, r);
  ServerMessage.startServerMessage(b);
  ServerMessage.addBye(b, at);
  return finish(b, ServerMessage.endServerMessage(b));
}

export function roster(list: { number: number; name: string; team?: number; flags?: number }[]): ArrayBuffer {
  const b = new flatbuffers.Builder(256);
  const v = ServerMessage.createRosterVector(b, list.map((r) => {
    const name = b.createString(r.name);
    return RosterEntry.createRosterEntry(b, r.number, name, r.team ?? 0, r.flags ?? 1);
  }));
  ServerMessage.startServerMessage(b);
  ServerMessage.addRoster(b, v);
  return finish(b, ServerMessage.endServerMessage(b));
}

/** Reads what the client sent. */
export function read(data: Uint8Array): ClientMessage {
  return ClientMessage.getRootAsClientMessage(new flatbuffers.ByteBuffer(data));
}
