// SPDX-License-Identifier: Apache-2.0
// The order book of one slot: offers above, bids below, depth as bars behind the numbers.
// data: {book, words, live}
//   book  {asks, bids: [{price, net8, euro, kwh, share (0..1)}], mine: {asks, bids: [price]}} when the page was drawn
//   live  where the same is told as it changes
// Reports `pick`: {side: "sell"|"buy", price, at (ms)} when a row is chosen.

import { follow } from "./follow.js";
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

function row(level, side, mine, words, pick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `level ${side}`;
  button.dataset.price = level.price;
  button.style.setProperty("--share", level.share);
  const mark = cell("mark", mine ? "●" : "");
  mark.setAttribute("aria-hidden", "true");
  button.append(
    mark,
    heard(`${words[side]} `),
    cell("kwh", level.kwh),
    heard(` ${words.kwh}, `),
    cell("net8", level.net8),
    heard(" NET8/kWh, "),
    cell("euro", level.euro),
    heard(` EUR/kWh. ${mine ? words.mine : ""}`),
  );
  button.onclick = () => pick({ side: side === "ask" ? "sell" : "buy", price: level.price });
  return button;
}

export default function ladder({ data, parentElement, setStateValue }) {
  if (!data) return;
  const host = parentElement.querySelector(".ladder");
  host.pick = (choice) => setStateValue("pick", { ...choice, at: Date.now() });
  host.page = data;
  if (host.followed !== data.live) {
    host.unfollow?.();
    host.followed = data.live;
    host.told = null;
    host.unfollow = follow(
      data.live,
      (book) => {
        host.told = book;
        draw(host, parentElement);
      },
      () => (host.told = null), // from now on what the page says is newer
    );
  }
  draw(host, parentElement);
  return () => setTimeout(() => host.isConnected || host.unfollow());
}

function draw(host, parentElement) {
  whenReleased(host, () => redraw(host, host.told ?? host.page.book, host.page.words, parentElement));
}

function between(book, words) {
  const [ask, bid] = [book.asks[0]?.net8, book.bids[0]?.net8];
  return ask && bid ? words.spread.replace("{bid}", bid).replace("{ask}", ask) : words.no_spread;
}

function redraw(host, book, words, parentElement) {
  const text = JSON.stringify([book, words]);
  if (host.dataset.drawn === text) return;
  host.dataset.drawn = text;
  const focused = parentElement.activeElement?.dataset?.price;
  const head = document.createElement("div");
  head.className = "head";
  head.append(cell("mark", ""), cell("kwh", words.kwh), cell("net8", "NET8/kWh"), cell("euro", "EUR/kWh"));
  const middle = document.createElement("div");
  middle.className = "spread";
  middle.textContent = between(book, words);
  const empty = (sentence) => {
    const node = document.createElement("p");
    node.className = "empty";
    node.dir = "auto";
    node.textContent = sentence;
    return node;
  };
  const rows = (levels, side, mine) => levels.map((level) => row(level, side, mine.includes(level.price), words, host.pick));
  const asks = rows(book.asks, "ask", book.mine.asks).reverse();
  const bids = rows(book.bids, "bid", book.mine.bids);
  host.setAttribute("aria-label", words.title);
  host.replaceChildren(head, ...(asks.length ? asks : [empty(words.no_asks)]), middle, ...(bids.length ? bids : [empty(words.no_bids)]));
  if (focused) host.querySelector(`[data-price="${focused}"]`)?.focus();
}
