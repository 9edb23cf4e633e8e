// SPDX-License-Identifier: Apache-2.0
// What changes by itself, told over a web socket that is opened again when it ends.

const FIRST_WAIT = 1000, LONGEST_WAIT = 30000; // ms

/** Call `told` with each message, and `silent` when for now no more will come. Returns a function that ends it. */
export function follow(path, told, silent) {
  let socket, timer, ended = false, wait = FIRST_WAIT;
  const open = () => {
    socket = new WebSocket(new URL(path, location.href).href.replace(/^http/, "ws"));
    socket.onmessage = ({ data }) => {
      wait = FIRST_WAIT;
      if (!ended) told(JSON.parse(data));
    };
    socket.onclose = () => {
      if (ended) return;
      silent();
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    };
  };
  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}
