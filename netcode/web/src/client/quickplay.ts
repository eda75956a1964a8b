// HTTP calls of the player listener.

/** Where to play, and the right to. */
export interface Ticket {
  /** WebSocket address. */
  readonly url: string;
  /** Player token. */
  readonly token: string;
  readonly matchId: string;
}

export interface QuickplayOptions {
  /** A guest's token from an earlier call; without one the server makes a guest. */
  token?: string;
  /** Name to show, if the server lets guests choose. */
  name?: string;
  signal?: AbortSignal;
}

/** Asks a server (its base URL) for a place in any match. */
export async function quickplay(base: string | URL, o: QuickplayOptions = {}): Promise<Ticket> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (o.token) headers['Authorization'] = `Bearer ${o.token}`;
  const body = JSON.stringify(o.name ? { name: o.name } : {});
  const r = await fetch(new URL('/v1/quickplay', base), { method: 'POST', headers, body, signal: o.signal ?? null });
  if (!r.ok) throw new Error(await problem(r));
  const t = (await r.json()) as { match_id: string; url: string; token: string };
  return { url: t.url, token: t.token, matchId: t.match_id };
}

/** Asks a server, any of a cluster, where a match is played. */
export async function route(base: string | URL, matchId: string): Promise<string> {
  const r = await fetch(new URL(`/v1/route?match=${encodeURIComponent(matchId)}`, base));
  if (!r.ok) throw new Error(await problem(r));
  return ((await r.json()) as { url: string }).url;
}

/** Fetches the part of a match that never changes; undefined if it has none. */
export async function fetchMap(base: string | URL, hash: string): Promise<unknown> {
  if (!hash) return undefined;
  const r = await fetch(new URL(`/v1/maps/${hash}`, base));
  if (!r.ok) throw new Error(await problem(r));
  return r.json();
}

async function problem(r: Response): Promise<string> {
  const text = await r.text();
  try {
    const p = JSON.parse(text) as { title?: string; detail?: string };
    return p.detail ?? p.title ?? `HTTP ${r.status}`;
  } catch {
    return `HTTP ${r.status}`;
  }
}
