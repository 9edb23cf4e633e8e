// SPDX-License-Identifier: Apache-2.0
// What is drawn anew while somebody presses it: a press ends on the node that it began on, or it is no click.

/** Draw now, or once what is being pressed in `host` is let go; of several draws that wait the latest. */
export function whenReleased(host, draw) {
  const waits = Boolean(host.waiting);
  if (!waits && !host.querySelector(":active")) return draw();
  host.waiting = draw;
  if (waits) return;
  const released = new AbortController();
  const release = () => {
    released.abort();
    setTimeout(() => {
      const latest = host.waiting;
      host.waiting = null;
      latest();
    }); // after the click that the end of the press makes
  };
  for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, release, { signal: released.signal });
}
