// The client in a few lines, as the README shows it.

import { connect, quickplay } from './index.js';

/** Joins a match of tag on the server that the page came from and draws it until the page is closed. */
export async function play(stick: { x: number; y: number }, paint: (x: number, y: number) => void): Promise<void> {
  const match = connect(await quickplay(location.origin));
  match.controls(() => ({ axes: [stick.x * 32767, stick.y * 32767] }));
  match.on('message', (m) => console.log(m.kind, m.data));
  requestAnimationFrame(function draw() {
    const at = match.moment(); // a little behind the newest state, so that there is always something to interpolate
    for (const p of match.each('player', at)) paint(p.x ?? 0, p.y ?? 0);
    requestAnimationFrame(draw);
  });
}
