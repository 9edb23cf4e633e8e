// SPDX-License-Identifier: Apache-2.0
// What happens between the click on a sign button and the block that holds the transaction.
// An intent is {id, label, kind, to?, data?, typed?, keep?}:
//   call    send `data` to `to`
//   permit  sign `typed` (EIP-2612), put v, r, s in the last three words of `data`, then send it to `to`
//   sign    sign `typed`; nothing is sent, the signature is reported, and kept in this browser where `keep` says as what
// Several transactions are several intents, each with its own click: wallets on phones need one for each.
// Integers of `typed` come as decimal strings, beyond what a JavaScript number holds.

import { parseSignature, pad, toHex } from "viem";
import { estimateGas, sendTransaction, signTypedData, waitForTransactionReceipt } from "viem/actions";
import { describe } from "./faults.js";
import * as outbox from "./outbox.js";
import { client, ensureChain, onRightChain } from "./session.js";
import { redraw, shared } from "./shared.js";
import * as signed from "./signed.js";

const GAS_MARGIN_PERCENT = 130n; // the book may be longer by the time the transaction is mined
const GAS_CAP = 16_700_000n; // just below what one transaction may use
const RECEIPT_TIMEOUT_MS = 180_000;
const WORD = 64; // hex digits

/** calldata with the three words of a signature in the place of its last three. */
export function withSignature(data, signature) {
  const { r, s, yParity } = parseSignature(signature);
  const words = [toHex(27 + Number(yParity)), r, s].map((word) => pad(word, { size: 32 }).slice(2));
  return `${data.slice(0, -3 * WORD)}${words.join("")}`;
}

function progress(key, changes) {
  shared.running.set(key, { ...shared.running.get(key), ...changes });
  shared.views.get(key)?.report?.();
  redraw();
}

/** Wait for a receipt and write what came of it into the outbox. Returns the entry's changes. */
async function follow(hash) {
  shared.watched.add(hash);
  try {
    let latest = hash;
    let same = true; // whether what was mined is what was asked for
    const receipt = await waitForTransactionReceipt(client(), {
      hash,
      timeout: RECEIPT_TIMEOUT_MS,
      retryCount: 20,
      onReplaced: ({ transaction, reason }) => {
        latest = transaction.hash; // sped up or cancelled in the wallet
        same = reason === "repriced";
        outbox.update(hash, { hash: latest, replaced: hash });
      },
    });
    const block = Number(receipt.blockNumber);
    if (!same) {
      outbox.update(latest, { status: "cancelled", block });
      return { status: "failed", kind: "cancelled", block, hash: latest };
    }
    const changes = { status: receipt.status === "success" ? "confirmed" : "reverted", block };
    outbox.update(latest, changes);
    return { ...changes, hash: latest };
  } catch (fault) {
    // Not an end: the transaction may still be mined. It stays in the list and is looked for at the next load.
    outbox.update(hash, { status: "unseen" });
    return { status: "unseen", hash, ...describe(fault) };
  } finally {
    shared.watched.delete(hash);
  }
}

/** Take up again what a reload interrupted. */
export function resume() {
  if (!shared.address || !onRightChain()) return;
  for (const entry of outbox.entries()) {
    const open = entry.status === "pending" || entry.status === "unseen";
    if (open && !shared.watched.has(entry.hash) && !shared.resumed?.has(entry.hash)) {
      (shared.resumed ??= new Set()).add(entry.hash);
      follow(entry.hash);
    }
  }
}

/** Carry an intent through, telling the panel `key` of every step. */
export async function run(key, intent) {
  const before = shared.running.get(key);
  if (before?.busy) return; // one click, one request
  const attempt = (before?.attempt ?? 0) + 1;
  shared.running.set(key, { id: intent.id, label: intent.label, attempt, busy: true, status: "checking" });
  redraw();
  try {
    await ensureChain();
    let { data } = intent;
    if (intent.kind === "sign" || intent.kind === "permit") {
      progress(key, { status: "signing" });
      const signature = await signTypedData(client(), { account: shared.address, ...intent.typed });
      if (intent.kind === "sign") {
        const { id, keep } = intent;
        if (keep) signed.add({ id, keep, signature, from: shared.address, signed_at: Math.floor(Date.now() / 1000) });
        return progress(key, { busy: false, status: "signed", signature });
      }
      data = withSignature(data, signature);
      progress(key, { status: "checking" });
    }
    const call = { account: shared.address, to: intent.to, data };
    const estimate = await estimateGas(client(), call); // a dry run: a refusal shows before anything is signed
    const padded = (estimate * GAS_MARGIN_PERCENT) / 100n;
    progress(key, { status: "sending" });
    const hash = await sendTransaction(client(), { ...call, chain: null, gas: padded > GAS_CAP ? GAS_CAP : padded });
    outbox.add({ id: intent.id, hash, label: intent.label, from: shared.address, status: "pending", sent_at: Math.floor(Date.now() / 1000) });
    progress(key, { status: "pending", hash });
    const end = await follow(hash);
    progress(key, { busy: false, ...end });
  } catch (fault) {
    progress(key, { busy: false, status: "failed", ...describe(fault) });
  }
}
