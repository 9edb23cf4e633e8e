// SPDX-License-Identifier: Apache-2.0
// Wallets on other devices, through a WalletConnect relay: an EIP-1193 provider for one chain.
// A bundle of its own (assets/walletconnect.js), loaded when somebody chooses it where the operator has a project id.

import { UniversalProvider } from "@walletconnect/universal-provider";
import { renderSVG } from "uqr";

const CODE_WITHIN_MS = 15_000; // a relay that answers at all has answered by then
const SIGNING = ["eth_sendTransaction", "eth_signTypedData_v4", "personal_sign"];
const EVENTS = ["accountsChanged", "chainChanged"];

const fault = (code, message, kind) => Object.assign(new Error(message), { code, ...(kind ? { kind } : {}) });
const after = (ms, reason) => new Promise((_, reject) => setTimeout(() => reject(reason), ms));

/**
 * A provider for the chain `network`.
 * showCode(uri, svg, cancel) shows what the wallet scans and returns the function that takes it away again.
 */
export async function open({ projectId, relayUrl, network, showCode }) {
  const chain = `eip155:${network.chainId}`;
  const universal = await UniversalProvider.init({
    projectId,
    relayUrl,
    metadata: { name: "NET8", description: network.name, url: location.origin, icons: [] },
    customStoragePrefix: "net8",
    telemetryEnabled: false,
    disableProviderPing: true,
  });

  const accounts = () =>
    (universal.session?.namespaces.eip155?.accounts ?? [])
      .filter((account) => account.startsWith(`${chain}:`))
      .map((account) => account.split(":")[2]);

  async function pair() {
    let close = () => undefined;
    let cancel;
    const cancelled = new Promise((_, reject) => (cancel = () => reject(fault(4001, "The code was closed."))));
    const shown = new Promise((resolve) => {
      universal.once("display_uri", (uri) => {
        close = showCode(uri, renderSVG(uri, { border: 2 }), cancel);
        resolve();
      });
    });
    const paired = universal.connect({
      optionalNamespaces: {
        eip155: { chains: [chain], methods: SIGNING, events: EVENTS, rpcMap: { [network.chainId]: network.rpcUrl } },
      },
    });
    paired.catch(() => undefined); // when it fails after we have given it up, nobody waits for it any more
    try {
      await Promise.race([shown, paired, after(CODE_WITHIN_MS, fault(4900, "The relay does not answer.", "relay"))]);
      await Promise.race([paired, cancelled]);
    } finally {
      close();
    }
    if (!accounts().length) throw fault(4902, "The wallet has not approved this chain.", "chain");
  }

  function requireOurs(asked) {
    if (Number(asked) !== network.chainId) throw fault(4902, "This connection is for one chain only.", "chain");
    return null;
  }

  return {
    on(event, listener) {
      universal.on(event, listener);
      if (event === "disconnect") universal.on("session_delete", listener);
    },
    removeListener: (event, listener) => universal.removeListener(event, listener),
    async request({ method, params = [] }) {
      switch (method) {
        case "eth_chainId":
          return `0x${network.chainId.toString(16)}`;
        case "eth_accounts":
          return accounts();
        case "eth_requestAccounts":
          if (!accounts().length) await pair();
          return accounts();
        case "wallet_switchEthereumChain":
        case "wallet_addEthereumChain":
          return requireOurs(params[0].chainId);
        case "wallet_revokePermissions":
          await universal.disconnect();
          return null;
        default:
          return universal.request({ method, params }, chain);
      }
    },
  };
}
