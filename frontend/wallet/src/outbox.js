// SPDX-License-Identifier: Apache-2.0
// Transactions that left this browser, kept in localStorage so that a reload, a crash or a second tab
// does not lose one: written before anything is reported to the server.
// Entry: {id, hash, label, from, status: "pending"|"confirmed"|"reverted"|"unseen", block, sent_at (unix s)}

import { redraw, shared } from "./shared.js";

const KEPT = 20;
const MAX_AGE_S = 7 * 24 * 3600;

// Per chain id and first block: a restarted local chain has another history and none of the old entries.
const place = () => `net8.outbox.${shared.network.chainId}.${shared.network.ledger}`;

export function entries() {
  if (!shared.network) return [];
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(place()) ?? "[]");
  } catch {
    kept = []; // somebody else wrote there: start a new list rather than fail every page
  }
  const oldest = Date.now() / 1000 - MAX_AGE_S;
  return kept.filter((entry) => entry.sent_at > oldest);
}

function write(list) {
  localStorage.setItem(place(), JSON.stringify(list.slice(-KEPT)));
  for (const view of shared.views.values()) view.report?.();
  redraw();
}

export function add(entry) {
  write([...entries().filter((other) => other.hash !== entry.hash), entry]);
}

export function update(hash, changes) {
  write(entries().map((entry) => (entry.hash === hash ? { ...entry, ...changes } : entry)));
}

export function forgetFinished() {
  write(entries().filter((entry) => entry.status === "pending"));
}

/** Another tab changed the list: draw and report it here too. */
export function followOtherTabs() {
  if (shared.followingTabs) return;
  shared.followingTabs = true;
  globalThis.addEventListener("storage", (event) => {
    if (!shared.network || event.key !== place()) return;
    for (const view of shared.views.values()) view.report?.();
    redraw();
  });
}
