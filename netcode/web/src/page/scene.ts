// The arena as the page shows it at one moment, read from rows by the names of their fields.

import type { Client, Entity, Member } from '../index.js';

export interface Body {
  readonly id: number;
  readonly player: number;
  readonly name: string;
  readonly color: string;
  readonly me: boolean;
  readonly x: number;
  readonly y: number;
  /** Radians, 0 along +x, growing towards +y. */
  readonly aim: number;
  readonly health: number;
  readonly shots: number;
  readonly hits: number;
}

export interface ScoreLine {
  readonly player: number;
  readonly name: string;
  readonly color: string;
  readonly team: number;
  readonly score: number;
  readonly deaths: number;
  /** Who killed him last, and with what (1 rifle, 2 rocket). */
  readonly by: number;
  readonly with: number;
  readonly me: boolean;
  readonly online: boolean;
}

export interface Scene {
  readonly tick: number;
  readonly hz: number;
  readonly bodies: readonly Body[];
  readonly me: Body | undefined;
  readonly rockets: readonly Entity[];
  readonly pickups: readonly Entity[];
  readonly scores: readonly ScoreLine[];
  /** The row of the round's rules and standing, that of the server, and the player's own. */
  readonly match: Entity | undefined;
  readonly phase: Entity | undefined;
  readonly self: Entity | undefined;
}

/** Full circle of the aim field. */
const CIRCLE = 1024;
const TEAMS = ['', '#ff5d6c', '#5aa2ff', '#6fe3a1', '#ffcf5c'];
const OWN = '#57e0ff';

/** Color of a player: his team's, or his own in a free for all. */
export function colorOf(player: number, team: number, me: boolean): string {
  if (team > 0) return TEAMS[team] ?? TEAMS[1]!;
  if (me) return OWN;
  const hue = (player * 137.508 + 20) % 360; // golden angle: neighbours differ most
  return `hsl(${hue.toFixed(0)} 78% 64%)`;
}

/** Reads the scene at a moment (ticks with fraction). */
export function readScene(client: Client, at: number): Scene {
  const members = new Map(client.roster.map((m) => [m.number, m]));
  const scores = client.each('score', at).map((e) => scoreLine(e, members, client.player));
  const owners = new Map<number, ScoreLine>();
  client.each('score', at).forEach((e, i) => owners.set(num(e, 'body'), scores[i]!));
  const bodies = client.each('body', at).map((e) => body(e, owners.get(e.id)));
  scores.sort((a, b) => b.score - a.score || a.deaths - b.deaths || a.player - b.player);
  return {
    tick: at,
    hz: client.welcome?.hz ?? 30,
    bodies,
    me: bodies.find((b) => b.me),
    rockets: client.each('rocket', at),
    pickups: client.each('pickup', at),
    scores,
    match: client.each('match', at)[0],
    phase: client.each('overtime.match', at)[0],
    self: client.each('self', at)[0],
  };
}

/** A field of a row, 0 if the row or the field is not there. */
export function num(e: Entity | undefined, field: string): number {
  return e?.[field] ?? 0;
}

function scoreLine(e: Entity, members: Map<number, Member>, me: number): ScoreLine {
  const player = num(e, 'player');
  const m = members.get(player);
  return {
    player,
    name: m?.name || `player ${player}`,
    color: colorOf(player, num(e, 'team'), player === me),
    team: num(e, 'team'),
    score: num(e, 'score'),
    deaths: num(e, 'deaths'),
    by: num(e, 'by'),
    with: num(e, 'with'),
    me: player === me,
    online: m?.online ?? true,
  };
}

function body(e: Entity, owner: ScoreLine | undefined): Body {
  return {
    id: e.id,
    player: owner?.player ?? 0,
    name: owner?.name ?? '',
    color: owner?.color ?? colorOf(0, num(e, 'team'), false),
    me: owner?.me ?? false,
    x: num(e, 'x'),
    y: num(e, 'y'),
    aim: (num(e, 'aim') * 2 * Math.PI) / CIRCLE,
    health: num(e, 'health'),
    shots: num(e, 'shots'),
    hits: num(e, 'hits'),
  };
}
