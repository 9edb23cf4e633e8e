// SPDX-License-Identifier: Apache-2.0
// Time as a row of quarter hours: each cell a bar (height and colour: price) with marks for what is mine.
// data: {cells: [{slot, time, day, text, more, height (0..1), tone: 0..4|null, volume (0..1), mark, state, label}],
//        selected, words: {title}, pick: bool, follow: slot|null}
// Reports `pick`: {slot, at (ms)} when a cell is chosen.

import { whenReleased } from "./pressed.js";

function draw(cell, data, choose) {
  const node = document.createElement(data.pick ? "button" : "div");
  if (data.pick) {
    node.type = "button";
    node.onclick = () => choose(cell.slot);
    node.setAttribute("aria-pressed", String(cell.slot === data.selected));
  } else {
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", cell.label);
  }
  node.className = `cell ${cell.state}${cell.slot === data.selected ? " selected" : ""}`;
  node.dataset.slot = cell.slot;
  node.title = cell.label;
  const bar = document.createElement("span");
  bar.className = `bar tone${cell.tone ?? "none"}`;
  bar.style.height = `${Math.round(6 + cell.height * 50)}px`;
  const own = document.createElement("span");
  own.className = "own";
  own.textContent = cell.mark ?? "";
  const column = document.createElement("span");
  column.className = "column";
  column.append(own, bar);
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = cell.text ?? "";
  const time = document.createElement("span");
  time.className = "time";
  time.textContent = cell.time;
  node.append(column, text);
  if (data.cells.some((other) => other.more)) { // in all cells, so that the times stand in one line
    const more = document.createElement("span");
    more.className = "more";
    more.textContent = cell.more;
    node.append(more);
  }
  node.append(time);
  if (data.pick) {
    for (const seen of node.children) seen.setAttribute("aria-hidden", "true");
    const heard = document.createElement("span"); // the same and more in words, the time as it is seen
    heard.className = "heard";
    heard.textContent = cell.label;
    node.append(heard);
  }
  return node;
}

export default function strip({ data, parentElement, setStateValue }) {
  if (!data) return;
  const host = parentElement.querySelector(".strip");
  whenReleased(host, () => redraw(host, data, parentElement, (slot) => setStateValue("pick", { slot, at: Date.now() })));
}

function redraw(host, data, parentElement, choose) {
  const drawn = JSON.stringify(data);
  if (host.dataset.drawn === drawn) return;
  const first = !host.dataset.drawn;
  const moved = host.dataset.follow !== String(data.follow);
  host.dataset.drawn = drawn;
  host.dataset.follow = String(data.follow);
  const focused = parentElement.activeElement?.dataset?.slot;
  host.setAttribute("aria-label", data.words.title);
  host.classList.toggle("dense", data.cells.length > 0 && !data.pick);
  const nodes = [];
  let day = null;
  for (const cell of data.cells) {
    if (cell.day !== day) {
      day = cell.day;
      const label = document.createElement("span");
      label.className = "day";
      label.textContent = day;
      nodes.push(label);
    }
    nodes.push(draw(cell, data, choose));
  }
  host.replaceChildren(...nodes);
  if (focused) host.querySelector(`[data-slot="${focused}"]`)?.focus();
  if (first || moved) {
    requestAnimationFrame(() => {
      const target = host.querySelector(`[data-slot="${data.follow}"]`);
      if (target) host.scrollLeft = target.offsetLeft - host.clientWidth / 3;
    });
  }
}
