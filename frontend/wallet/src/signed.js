// SPDX-License-Identifier: Apache-2.0
// What this browser's wallets have signed and nobody has sent yet: nobody else knows of it before it is used.
// Entry: {id, keep (the server's own words for it), signature, from, signed_at (unix s)}

import { shelf } from "./shelf.js";

const KEPT = 128; // as many as can be alive

export const { entries, write, followOtherTabs } = shelf("signed", KEPT, (entry) => entry.signed_at);

export function add(entry) {
  write([...entries().filter((other) => other.id !== entry.id), entry]);
}
