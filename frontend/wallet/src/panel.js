// SPDX-License-Identifier: Apache-2.0
// A sign panel: one button for one intent, and under it, in words, how far it has come.
// The button is here and not in Python because a wallet on a phone opens only upon the user's own click.

import { run } from "./actions.js";
import { openChooser } from "./bar.js";
import { element, fill, hashLink } from "./dom.js";
import { shared } from "./shared.js";

/** What the server is told of the panel's last attempt. */
export function outcome(key) {
  const { busy, label, endedOver, ...state } = shared.running.get(key) ?? {};
  return state.status ? state : null;
}

function line(state, data) {
  const words = shared.words;
  if (!state) return [];
  const said = data.said && data.said.id === state.id && data.said.attempt === state.attempt ? data.said.text : null;
  switch (state.status) {
    case "checking":
    case "signing":
    case "sending":
    case "signed":
    case "unseen":
      return [words[`step_${state.status}`]];
    case "pending":
    case "confirmed":
    case "reverted":
      return [words[`step_${state.status}`], " ", hashLink(state.hash, shared.network)];
    case "failed":
      if (said) return [said];
      if (state.kind === "refused") return [words.step_checking]; // the sentence follows from the server
      return [fill(words[`fault_${state.kind}`] ?? words.fault_other, { reason: state.reason ?? "", name: shared.network.name })];
    default:
      return [];
  }
}

export function drawPanel(root, key, data) {
  const host = root.querySelector(".panel");
  let button = host.querySelector("button.sign");
  if (!button) {
    button = element("button", { type: "button", class: "sign primary" });
    host.replaceChildren(button, element("p", { class: "line", role: "status" }));
  }
  const { intent } = data;
  host.classList.toggle("quiet", Boolean(data.quiet));
  const words = shared.words ?? {}; // the bar brings them; it is mounted before any panel
  const state = shared.running.get(key);
  const connected = Boolean(shared.address);
  button.textContent = connected ? (intent?.label ?? data.idle ?? "") : words.connect_first;
  button.disabled = Boolean(state?.busy) || (connected && !intent);
  button.classList.toggle("busy", Boolean(state?.busy));
  button.onclick = () => (connected ? run(key, intent) : openChooser());
  button.dataset.panel = key;
  const status = host.querySelector(".line");
  status.dataset.status = state?.status ?? "";
  status.dataset.attempt = state?.attempt ?? 0;
  if (state && !state.busy) state.endedOver ??= intent?.id ?? "";
  const gone = state && !state.busy && intent && state.id !== intent.id; // the form says something else by now
  const meanwhile = gone && state.status === "failed" && state.endedOver === intent.id; // a gate closed, or a field was changed
  const parts = gone && !meanwhile ? [] : line(state, data);
  if (meanwhile && parts.length) parts.unshift(`${state.label}: `);
  status.replaceChildren(...parts);
  status.hidden = parts.length === 0;
}
