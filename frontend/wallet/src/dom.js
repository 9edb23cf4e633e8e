// SPDX-License-Identifier: Apache-2.0
// The little of a template language that these views need. Text is always set as text, never as HTML.

/** Make an element. `props` are properties, but for `data`, `aria` and `class`. */
export function element(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "aria") for (const [key, text] of Object.entries(value)) node.setAttribute(`aria-${key}`, text);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** 0x1234…cdef */
export function short(hex) {
  return `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

/** Put values into a sentence: fill("Switch to {name}", {name: "Base"}). */
export function fill(sentence, values) {
  return (sentence ?? "").replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** A link to the transaction where an explorer is known, else its short hash. */
export function hashLink(hash, network) {
  const text = short(hash);
  if (!network?.explorer) return element("code", { title: hash, data: { hash } }, text);
  const href = `${network.explorer.replace(/\/$/, "")}/tx/${hash}`;
  return element("a", { href, target: "_blank", rel: "noreferrer", title: hash, data: { hash } }, text);
}
