// SPDX-License-Identifier: Apache-2.0
// What all mounts of the component share. Streamlit calls the component again for every change of its data
// and may load the module once per component name, so everything that must exist once lives on globalThis.

export const shared = (globalThis.__net8 ??= {
  network: null, // {chainId, name, rpcUrl, explorer, currency, ledger}
  words: null, // texts in the page's language
  active: null, // the chosen wallet: {uuid, rdns, name, icon, provider}
  address: null,
  chainId: null,
  choosing: false, // the list of wallets is open
  asking: false, // a connection request is open in the wallet
  problem: null, // last fault of connecting or switching: {kind, reason}
  listened: new WeakSet(), // providers that already carry our listeners
  views: new Map(), // name of a mount -> {render, report}
  reports: new Map(), // what waits to be told to the server
  reporting: null, // the timer that tells it
  running: new Map(), // panel key -> {id, attempt, status, hash, reason, ...}: outlives a re-render
  watching: false, // clicks on the navigation are noted
  watched: new Set(), // hashes whose receipt is being waited for
});

/** Draw every mounted view again: called after any change of the shared state. */
export function redraw() {
  for (const view of shared.views.values()) view.render();
}
