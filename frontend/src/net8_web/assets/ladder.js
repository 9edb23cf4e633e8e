// SPDX-License-Identifier: Apache-2.0
// The order book of one slot: offers above, bids below, depth as bars behind the numbers.
// data: {asks, bids: [{price, net8, euro, kwh, share (0..1), mine}], spread, words, selected}
// Reports `pick`: {side: "sell"|"buy", price, at (ms)} when a row is chosen.

import { whenReleased } from "./pressed.js";

function cell(className, text) {
  const node = document.createElement("span");
  node.className = className;
  node.textContent = text;
  return node;
}

/** Words between the numbers, for those who hear the row instead of seeing its column and colour. */
function heard(text) {
  return cell("heard", text);
}

function row(level, side, data, pick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `level ${side}`;
  button.dataset.price = level.price;
  button.style.setProperty("--share", level.share);
  const mark = cell("mark", level.mine ? "●" : "");
  mark.setAttribute("aria-hidden", "true");
  button.append(
    mark,
    heard(`${data.words[side]} `),
    cell("kwh", level.kwh),
    heard(` ${data.words.kwh}, `),
    cell("net8", level.net8),
    heard(" NET8/kWh, "),
    cell("euro", level.euro),
    heard(` EUR/kWh. ${level.mine ? data.words.mine : ""}`),
  );
  button.onclick = () => pick({ side: side === "ask" ? "sell" : "buy", price: level.price });
  return button;
}

export default function ladder({ data, parentElement, setStateValue }) {
  if (!data) return;
  const host = parentElement.querySelector(".ladder");
  whenReleased(host, () => redraw(host, data, parentElement, (choice) => setStateValue("pick", { ...choice, at: Date.now() })));
}

function redraw(host, data, parentElement, pick) {
  const text = JSON.stringify(data);
  if (host.dataset.drawn === text) return;
  host.dataset.drawn = text;
  const focused = parentElement.activeElement?.dataset?.price;
  const head = document.createElement("div");
  head.className = "head";
  head.append(cell("mark", ""), cell("kwh", data.words.kwh), cell("net8", "NET8/kWh"), cell("euro", "EUR/kWh"));
  const middle = document.createElement("div");
  middle.className = "spread";
  middle.textContent = data.spread;
  const empty = (sentence) => {
    const node = document.createElement("p");
    node.className = "empty";
    node.dir = "auto";
    node.textContent = sentence;
    return node;
  };
  const asks = [...data.asks].reverse().map((level) => row(level, "ask", data, pick));
  const bids = data.bids.map((level) => row(level, "bid", data, pick));
  host.setAttribute("aria-label", data.words.title);
  host.replaceChildren(head, ...(asks.length ? asks : [empty(data.words.no_asks)]), middle, ...(bids.length ? bids : [empty(data.words.no_bids)]));
  if (focused) host.querySelector(`[data-price="${focused}"]`)?.focus();
}
