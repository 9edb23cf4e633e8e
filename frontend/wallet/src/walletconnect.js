// SPDX-License-Identifier: Apache-2.0
// WalletConnect as one more wallet, where the operator of the app has a project id. Its own code, twice as large as all
// the rest, is loaded when the wallet is used for the first time.

import { element } from "./dom.js";
import { shared } from "./shared.js";

export const RDNS = "walletconnect";
const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3b6fe0"/>' +
      '<g fill="#fff"><rect x="8" y="8" width="6" height="6"/><rect x="18" y="8" width="6" height="6"/>' +
      '<rect x="8" y="18" width="6" height="6"/><rect x="18" y="18" width="3" height="3"/><rect x="21" y="21" width="3" height="3"/></g></svg>',
  );

/** The code that a wallet on another device scans, with a link for one on this device. Returns what closes it. */
function showCode(uri, svg, cancel) {
  const bar = [...shared.views.values()].find((view) => view.isBar);
  const { words } = bar.data();
  const dialog = element(
    "dialog",
    { class: "chooser code", aria: { label: words.code_title } },
    element("h2", {}, words.code_title),
    element("img", { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt: words.code_alt, width: 280, height: 280 }),
    element("p", {}, words.code_text),
    element("a", { href: uri, class: "open" }, words.code_open),
    element("footer", {}, element("button", { type: "button", class: "plain", onclick: () => dialog.close() }, words.close)),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    cancel(); // without effect once the wallet has answered
  });
  bar.root.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}

async function load(settings) {
  const asset = await import(new URL("walletconnect.js", import.meta.url).href);
  return asset.open({ ...settings, network: shared.network, showCode });
}

/** An announcement of WalletConnect; `settings` are {projectId, relayUrl}. */
export function walletConnect(settings) {
  const listeners = [];
  let opened = null;
  const open = () => {
    opened ??= load(settings).then((provider) => {
      for (const [event, listener] of listeners) provider.on(event, listener);
      return provider;
    });
    opened.catch(() => (opened = null)); // the next try starts anew
    return opened;
  };
  const provider = {
    on(event, listener) {
      listeners.push([event, listener]);
      opened?.then((known) => known.on(event, listener));
    },
    removeListener() {},
    request: async (asked) => (await open()).request(asked),
  };
  return { info: { uuid: "net8-walletconnect", rdns: RDNS, name: "WalletConnect", icon: ICON }, provider };
}
