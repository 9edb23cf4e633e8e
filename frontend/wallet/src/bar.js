// SPDX-License-Identifier: Apache-2.0
// The strip on top of every page: connect, who am I, wrong network, what is under way, language.

import { whenReleased } from "../../src/net8_web/assets/pressed.js";
import { element, fill, hashLink, short } from "./dom.js";
import { entries, forgetFinished } from "./outbox.js";
import { connect, disconnect, onRightChain, switchNetwork } from "./session.js";
import { redraw, shared } from "./shared.js";
import { wallets } from "./wallets.js";

// What stands below the name of a wallet that not everybody knows: key of the texts.
const HINTS = { "net8.practice": "practice_hint", walletconnect: "walletconnect_hint" };
const LANGUAGE_DAYS = 365;
const IN_STRIP = 3; // transactions shown; older ones are on the portfolio page

function chooser(words) {
  const list = wallets();
  const dialog = element("dialog", { class: "chooser", aria: { label: words.choose } });
  const rows = list.map((wallet) =>
    element(
      "button",
      {
        type: "button",
        class: "wallet",
        data: { rdns: wallet.info.rdns },
        onclick: () => {
          dialog.close();
          connect(wallet);
        },
      },
      wallet.info.icon ? element("img", { src: wallet.info.icon, alt: "", width: 28, height: 28 }) : null,
      element(
        "span",
        {},
        element("b", {}, wallet.info.name),
        HINTS[wallet.info.rdns] ? element("small", {}, words[HINTS[wallet.info.rdns]]) : null,
      ),
    ),
  );
  const close = element("button", { type: "button", class: "plain", onclick: () => dialog.close() }, words.close);
  dialog.append(
    element("h2", {}, words.choose),
    ...(list.length ? rows : [element("p", {}, words.no_wallet)]),
    element("footer", {}, close),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    shared.choosing = false;
    dialog.remove();
  });
  return dialog;
}

/** Open the wallet chooser; any view may. */
export function openChooser() {
  const bar = [...shared.views.values()].find((view) => view.isBar);
  if (!bar || bar.root.querySelector("dialog")) return;
  const dialog = chooser(bar.data().words);
  bar.root.append(dialog);
  dialog.showModal();
  shared.choosing = true;
}

function languages(data, onLanguage) {
  const group = element("span", { class: "languages", role: "group", aria: { label: data.words.language } });
  for (const [code, name] of data.languages) {
    const chosen = code === data.lang;
    group.append(
      element(
        "button",
        {
          type: "button",
          class: "plain",
          lang: code,
          disabled: chosen,
          aria: { pressed: String(chosen) },
          onclick: () => {
            document.cookie = `net8_lang=${code}; path=/; max-age=${LANGUAGE_DAYS * 86400}; samesite=lax`;
            onLanguage(code);
          },
        },
        name,
      ),
    );
  }
  return group;
}

function who(data) {
  const { words } = data;
  if (shared.asking) return [element("span", { class: "note", role: "status" }, words.asking)];
  if (!shared.address) {
    return [element("button", { type: "button", class: "primary", data: { role: "connect" }, onclick: openChooser }, words.connect)];
  }
  const parts = [
    element(
      "span",
      { class: "me", title: shared.address, data: { address: shared.address } },
      shared.active.info.icon ? element("img", { src: shared.active.info.icon, alt: shared.active.info.name, width: 20, height: 20 }) : null,
      element("bdi", { dir: "ltr" }, short(shared.address)),
    ),
  ];
  if (!onRightChain()) {
    parts.push(
      element("button", { type: "button", class: "warn", data: { role: "switch" }, onclick: switchNetwork }, fill(words.switch_to, { name: shared.network.name })),
    );
  }
  parts.push(element("button", { type: "button", class: "plain", data: { role: "disconnect" }, onclick: disconnect }, words.disconnect));
  return parts;
}

function problem(words) {
  if (!shared.problem) return null;
  const sentence = words[`fault_${shared.problem.kind}`] ?? words.fault_other;
  return element(
    "p",
    { class: "problem", role: "alert" },
    fill(sentence, { reason: shared.problem.reason ?? "", name: shared.network.name }),
    element(
      "button",
      {
        type: "button",
        class: "plain",
        onclick: () => {
          shared.problem = null;
          redraw();
        },
      },
      words.close,
    ),
  );
}

function underWay(words) {
  const list = entries().slice(-IN_STRIP).reverse();
  if (!list.length) return null;
  return element(
    "details",
    { class: "outbox", open: list.some((entry) => entry.status === "pending") },
    element("summary", {}, fill(words.outbox, { n: list.filter((entry) => entry.status === "pending").length })),
    element(
      "ul",
      {},
      ...list.map((entry) =>
        element("li", { data: { status: entry.status } }, element("span", {}, `${entry.label} `), element("em", {}, words[`tx_${entry.status}`]), " ", hashLink(entry.hash, shared.network)),
      ),
    ),
    element("button", { type: "button", class: "plain", onclick: forgetFinished }, words.forget),
  );
}

/** Draw the bar into `root`. */
export function drawBar(root, data, onLanguage) {
  whenReleased(root.querySelector(".bar"), () => draw(root, data, onLanguage));
  if (shared.choosing) openChooser(); // the bar is mounted anew, and the open list went with the one before
}

function draw(root, data, onLanguage) {
  const host = root.querySelector(".bar");
  const open = root.querySelector("details")?.open;
  host.replaceChildren(
    element("div", { class: "row" }, ...who(data), element("span", { class: "grow" }), languages(data, onLanguage)),
    ...[problem(data.words), underWay(data.words)].filter(Boolean),
  );
  const details = host.querySelector("details");
  if (details && open !== undefined) details.open = open || details.open;
}
