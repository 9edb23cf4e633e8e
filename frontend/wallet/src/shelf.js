// SPDX-License-Identifier: Apache-2.0
// Lists of this browser that outlive a reload, a crash or a second tab: written before anything is reported to the server.

import { redraw, shared } from "./shared.js";

const MAX_AGE_S = 8 * 24 * 3600; // a day longer than anything can be traded ahead

/** A list under `name`, of the latest `kept` entries, whose `at(entry)` is when each began (unix s). */
export function shelf(name, kept, at) {
  // Per chain id and first block: a restarted local chain has another history and none of the old entries.
  const place = () => `net8.${name}.${shared.network.chainId}.${shared.network.ledger}`;
  const entries = () => {
    if (!shared.network) return [];
    let found;
    try {
      found = JSON.parse(localStorage.getItem(place()) ?? "[]");
    } catch {
      found = []; // somebody else wrote there: start a new list rather than fail every page
    }
    const oldest = Date.now() / 1000 - MAX_AGE_S;
    return found.filter((entry) => at(entry) > oldest);
  };
  const write = (list) => {
    localStorage.setItem(place(), JSON.stringify(list.slice(-kept)));
    for (const view of shared.views.values()) view.report?.();
    redraw();
  };
  /** Another tab changed the list: draw and report it here too. */
  const followOtherTabs = () => {
    shared.following ??= new Set();
    if (shared.following.has(name)) return;
    shared.following.add(name);
    globalThis.addEventListener("storage", (event) => {
      if (!shared.network || event.key !== place()) return;
      for (const view of shared.views.values()) view.report?.();
      redraw();
    });
  };
  return { entries, write, followOtherTabs };
}
