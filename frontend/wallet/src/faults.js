// SPDX-License-Identifier: Apache-2.0
// What went wrong, in terms that the page can put into words.
// kind: rejected  the user said no in the wallet
//       refused   the contract reverts; `reason` is its string
//       cancelled another transaction took its place in the wallet; told by actions.js
//       busy      the wallet already shows another request
//       funds     not enough of the chain's own currency for gas
//       network   chain or wallet did not answer
//       chain     the wallet cannot use this network
//       relay     what carries messages to a wallet on another device does not answer
//       other     anything else; `reason` is the wallet's own message

import { decodeErrorResult } from "viem";

const ERROR_STRING = [{ type: "error", name: "Error", inputs: [{ name: "reason", type: "string" }] }];

function chainOf(fault) {
  const seen = [];
  for (let at = fault; at && !seen.includes(at); at = at.cause ?? at.data?.originalError) seen.push(at);
  return seen;
}

function revertData(fault) {
  for (const at of chainOf(fault)) {
    for (const found of [at.data, at.data?.data, at.raw]) {
      if (typeof found === "string" && found.startsWith("0x08c379a0")) return found;
    }
  }
  return null;
}

export function describe(fault) {
  if (fault?.kind) return fault;
  const all = chainOf(fault);
  const named = all.find((at) => at.kind); // one of our own wallets has said it
  if (named) return { kind: named.kind };
  const codes = all.map((at) => at.code);
  const text = all.map((at) => `${at.details ?? ""} ${at.shortMessage ?? ""} ${at.message ?? ""}`).join(" ");
  const message = String(fault?.shortMessage ?? fault?.message ?? fault).slice(0, 300);
  if (codes.includes(4001) || codes.includes(5000) || /user (rejected|denied)/i.test(text)) return { kind: "rejected" };
  if (codes.includes(-32002)) return { kind: "busy" };
  const data = revertData(fault);
  if (data) {
    return { kind: "refused", reason: decodeErrorResult({ abi: ERROR_STRING, data }).args[0] };
  }
  const spelled = /revert(?:ed)?(?: with reason string)?[:\s]+"?'?([a-z0-9_]+: [^"'\n]{1,60})/i.exec(text);
  if (spelled) return { kind: "refused", reason: spelled[1].trim() };
  if (/insufficient funds|exceeds the balance|insufficient balance/i.test(text)) return { kind: "funds" };
  if (/revert/i.test(text)) return { kind: "refused", reason: "" };
  if (codes.includes(4902) || codes.includes(4901)) return { kind: "chain" };
  if (/failed to fetch|http request failed|timed? ?out|networkerror|disconnected/i.test(text)) return { kind: "network" };
  return { kind: "other", reason: message };
}
