// The Overtime client: joins a match over WebSocket, keeps its state, sends controls, comes back by itself.
//
//   import { connect, quickplay } from 'overtime-client';
//
//   const match = connect(await quickplay('http://127.0.0.1:8080'));
//   match.controls(() => ({ axes: [stick.x, stick.y], buttons: fire ? 1 : 0 }));
//   match.on('message', (m) => console.log(m.kind, m.data));
//   requestAnimationFrame(function draw() {
//     const at = match.moment();
//     for (const p of match.each('player', at)) paint(p.x, p.y);
//     requestAnimationFrame(draw);
//   });

export { Backoff, type BackoffOptions } from './client/backoff.js';
export { FrameError, type Row } from './client/channel.js';
export { Client, connect, type End, type Events, type Options, type Phase } from './client/client.js';
export { type Action, actionFor, closeText } from './client/close.js';
export type { Field, Kind } from './client/kinds.js';
export type { Controls, GameMessage, Member, Welcome } from './client/messages.js';
export { fetchMap, quickplay, route, type QuickplayOptions, type Ticket } from './client/quickplay.js';
export type { SocketLike } from './client/socket.js';
export type { Stats } from './client/stats.js';
export { channelSort, type Entity, View } from './client/view.js';
