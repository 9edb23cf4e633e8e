// SPDX-License-Identifier: Apache-2.0
// Which wallets this browser has: those that announce themselves (EIP-6963), else the one injected wallet
// of an in-app mobile browser, those of other devices where the operator has set up WalletConnect, and on the local
// chain the practice wallet.

import { createStore } from "mipd";
import { LOCAL_CHAIN, practiceWallet } from "./practice.js";
import { redraw, shared } from "./shared.js";
import { walletConnect } from "./walletconnect.js";

const INJECTED_AFTER_MS = 400; // wallets announce at once; a silent window.ethereum after this is a legacy one

/** All wallets as {info, provider}, announced ones first. */
export function wallets() {
  const found = [...shared.store.getProviders()];
  if (found.length === 0 && shared.injected) found.push(shared.injected);
  if (shared.walletConnect) found.push(shared.walletConnect);
  if (shared.practice) found.push(shared.practice);
  return found;
}

/** Look for wallets; calls `changed` whenever one appears. Safe to call at every mount. */
export function discover({ network, walletconnect, words }, changed) {
  if (walletconnect) shared.walletConnect ??= walletConnect(walletconnect);
  if (!shared.store) {
    shared.store = createStore();
    shared.store.subscribe(() => {
      changed();
      redraw();
    });
    setTimeout(() => {
      if (shared.store.getProviders().length === 0 && globalThis.ethereum) {
        const info = { uuid: "injected", rdns: "injected", name: "Browser wallet", icon: "" };
        shared.injected = { info, provider: globalThis.ethereum };
      }
      shared.settled = true; // from here on "no wallet found" is a fact, not a guess
      changed();
      redraw();
    }, INJECTED_AFTER_MS);
  }
  if (network?.chainId === LOCAL_CHAIN && !shared.practice) shared.practice = practiceWallet(network, words.practice);
}
