// Messages between client and server as plain values: building those of the client, reading those of the server.

import * as flatbuffers from 'flatbuffers';
import { ClientMessage, Hello, Sample, ServerMessage, type Welcome as WireWelcome } from '../../../../schema/ts/wire.js';
import { type Kind, kindOf } from './kinds.js';

/** WebSocket subprotocol, and the version in the hello. */
export const SUBPROTOCOL = 'overtime.v1';
export const VERSION = 1;
/** Samples that one message may carry. */
export const MAX_SAMPLES = 32;
/** Bytes of one command. */
export const MAX_COMMAND = 1024;

/** The first message of a connection: a player token, or a resume token with what the client still has. */
export interface HelloData {
  token?: string;
  resume?: string;
  epoch?: number;
  tick?: number;
  viewHash?: number;
  message?: number;
}

/** The controls for one tick; the game says what axes and buttons mean. */
export interface Controls {
  /** Up to four values, -32768 to 32767. */
  axes?: readonly number[];
  /** A bit per button, 16 of them. */
  buttons?: number;
}

/** Controls with their number and their place in time. */
export interface SampleData {
  seq: number;
  /** The server tick that it is meant for. */
  tick: number;
  /** State tick on screen, and how far towards the next frame in 1/256. */
  shown: number;
  frac: number;
  axes: readonly number[];
  buttons: number;
}

/** What one client message says; absent parts are left out. */
export interface Outgoing {
  samples?: readonly SampleData[];
  ackTick?: number;
  ackMessage?: number;
  command?: { number: number; data: Uint8Array };
  ping?: number;
  keyframe?: boolean;
  leave?: boolean;
  hello?: HelloData;
}

const short = (v: number | undefined): number => Math.max(-32768, Math.min(32767, Math.round(v ?? 0)));

/** Builds one client message. */
export function encode(o: Outgoing): Uint8Array<ArrayBuffer> {
  const b = new flatbuffers.Builder(256);
  const samples = o.samples?.length ? samplesVector(b, o.samples) : 0;
  const command = o.command ? ClientMessage.createCommandVector(b, o.command.data) : 0;
  const hello = o.hello ? helloTable(b, o.hello) : 0;
  ClientMessage.startClientMessage(b);
  if (samples) ClientMessage.addSamples(b, samples);
  ClientMessage.addAckTick(b, o.ackTick ?? 0);
  ClientMessage.addAckMessage(b, o.ackMessage ?? 0);
  if (o.command) {
    ClientMessage.addCommandNumber(b, o.command.number);
    ClientMessage.addCommand(b, command);
  }
  ClientMessage.addPing(b, o.ping ?? 0);
  ClientMessage.addKeyframe(b, o.keyframe ?? false);
  ClientMessage.addLeave(b, o.leave ?? false);
  if (hello) ClientMessage.addHello(b, hello);
  b.finish(ClientMessage.endClientMessage(b));
  return b.asUint8Array().slice() as Uint8Array<ArrayBuffer>;
}

function samplesVector(b: flatbuffers.Builder, s: readonly SampleData[]): number {
  ClientMessage.startSamplesVector(b, s.length);
  for (let i = s.length - 1; i >= 0; i--) {
    const { seq, tick, shown, frac, axes, buttons } = s[i]!;
    Sample.createSample(
      b, seq, tick, shown,
      short(axes[0]), short(axes[1]), short(axes[2]), short(axes[3]),
      buttons & 0xffff, frac & 0xff, 0,
    );
  }
  return b.endVector();
}

function helloTable(b: flatbuffers.Builder, h: HelloData): number {
  const token = h.token ? b.createString(h.token) : 0;
  const resume = h.resume ? b.createString(h.resume) : 0;
  Hello.startHello(b);
  Hello.addVersion(b, VERSION);
  if (token) Hello.addToken(b, token);
  if (resume) Hello.addResume(b, resume);
  Hello.addEpoch(b, h.epoch ?? 0);
  Hello.addTick(b, h.tick ?? 0);
  Hello.addViewHash(b, h.viewHash ?? 0);
  Hello.addMessage(b, h.message ?? 0);
  return Hello.endHello(b);
}

/** What the server says about the match and the player's place in it. */
export interface Welcome {
  readonly match: string;
  readonly player: number;
  readonly playerId: string;
  readonly name: string;
  readonly team: number;
  readonly spectator: boolean;
  readonly epoch: number;
  readonly tick: number;
  readonly hz: number;
  readonly every: number;
  readonly game: string;
  readonly kinds: readonly Kind[];
  readonly resume: string;
  readonly mapHash: string;
  readonly seats: number;
  readonly sample: number;
  readonly command: number;
  readonly message: number;
  readonly node: string;
  readonly standby: string;
}

/** Most entries of a list in a message; more is a broken message. */
const MAX_LIST = 4096;

function counted(n: number): number {
  if (n > MAX_LIST) throw new Error('list too long');
  return n;
}

/** Reads a welcome. */
export function readWelcome(w: WireWelcome): Welcome {
  const kinds: Kind[] = [];
  for (let i = 0; i < counted(w.kindsLength()); i++) kinds.push(kindOf(i, w.kinds(i)!));
  return {
    match: w.match() ?? '',
    player: w.player(),
    playerId: w.playerId() ?? '',
    name: w.name() ?? '',
    team: w.team(),
    spectator: w.spectator(),
    epoch: w.epoch(),
    tick: w.tick(),
    hz: w.hz() || 30,
    every: w.every() || 1,
    game: w.game() ?? '',
    kinds,
    resume: w.resume() ?? '',
    mapHash: w.mapHash() ?? '',
    seats: w.seats(),
    sample: w.sample(),
    command: w.command(),
    message: w.message(),
    node: w.node() ?? '',
    standby: w.standby() ?? '',
  };
}

/** One participant of the match. */
export interface Member {
  readonly number: number;
  readonly name: string;
  readonly team: number;
  readonly online: boolean;
  readonly bot: boolean;
  readonly spectator: boolean;
}

/** Reads the roster of a message, or undefined if it has none. */
export function readRoster(m: ServerMessage): Member[] | undefined {
  const n = counted(m.rosterLength());
  if (n === 0) return undefined;
  const list: Member[] = [];
  for (let i = 0; i < n; i++) {
    const e = m.roster(i)!;
    const f = e.flags();
    list.push({
      number: e.number(),
      name: e.name() ?? '',
      team: e.team(),
      online: (f & 1) !== 0,
      bot: (f & 2) !== 0,
      spectator: (f & 4) !== 0,
    });
  }
  return list;
}

/** A reliable message: kind 0 is the game's own, 1 the result of a round. */
export interface GameMessage {
  readonly number: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/** Reads the reliable messages of a message; the bytes are copied. */
export function readMessages(m: ServerMessage): GameMessage[] {
  const list: GameMessage[] = [];
  for (let i = 0; i < counted(m.messagesLength()); i++) {
    const x = m.messages(i)!;
    list.push({ number: x.number(), kind: x.kind(), data: x.dataArray()?.slice() ?? new Uint8Array(0) });
  }
  return list;
}

/** The root table of a message from the server. */
export function open(data: ArrayBuffer | Uint8Array): ServerMessage {
  let bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  if (bytes.byteOffset % 8 !== 0) bytes = bytes.slice(); // typed arrays over the vectors need their alignment
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const root = bytes.length < 8 ? bytes.length : view.getUint32(0, true);
  const table = root + 4 > bytes.length ? -1 : root - view.getInt32(root, true);
  if (table < 0 || table + 4 > bytes.length) throw new Error('not a message');
  return ServerMessage.getRootAsServerMessage(new flatbuffers.ByteBuffer(bytes));
}

/** Whether the message is a state frame. */
export function isFrame(m: ServerMessage): boolean {
  return m.head() !== null || m.keyframe();
}
