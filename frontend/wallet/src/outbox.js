// SPDX-License-Identifier: Apache-2.0
// Transactions that left this browser, so that none is lost.
// Entry: {id, hash, label, from, status: "pending"|"confirmed"|"reverted"|"unseen", block, sent_at (unix s)}

import { shelf } from "./shelf.js";

const KEPT = 20;

export const { entries, write, followOtherTabs } = shelf("outbox", KEPT, (entry) => entry.sent_at);

export function add(entry) {
  write([...entries().filter((other) => other.hash !== entry.hash), entry]);
}

export function update(hash, changes) {
  write(entries().map((entry) => (entry.hash === hash ? { ...entry, ...changes } : entry)));
}

export function forgetFinished() {
  write(entries().filter((entry) => entry.status === "pending"));
}
