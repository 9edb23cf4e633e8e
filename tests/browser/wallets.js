// SPDX-License-Identifier: Apache-2.0
// Two browser wallets for tests: they announce themselves by EIP-6963, sign with local keys, forward the rest to
// the chain, and do on request what real wallets do: refuse, wait, forget the network, change the account.
// Bundled by the test session; configured through globalThis.__walletConfig = {rpcUrl, keys: [hex, hex]}.

import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const PROMPTS = ["eth_requestAccounts", "eth_sendTransaction", "eth_signTypedData_v4", "wallet_switchEthereumChain", "wallet_addEthereumChain"];

function makeWallet(name, rdns, keys, rpcUrl) {
  const accounts = keys.map((key) => privateKeyToAccount(key));
  const listeners = {};
  const known = new Set(["0x1"]);
  const store = (key) => `test.${rdns}.${key}`;
  let chainId = localStorage.getItem(store("chain")) ?? "0x1";
  if (chainId !== "0x1") known.add(chainId);
  let selected = 0;
  const emit = (event, value) => (listeners[event] ?? []).forEach((listener) => listener(value));
  const client = (account) => createWalletClient({ account, transport: http(rpcUrl) });
  const setChain = (id) => {
    chainId = id;
    localStorage.setItem(store("chain"), id);
    emit("chainChanged", id);
  };
  const wallet = {
    log: [],
    delay: 0,
    rejectNext: false,
    setChain,
    setAccount(index) {
      selected = index;
      emit("accountsChanged", [accounts[selected].address]);
    },
  };
  const provider = {
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    removeListener: (event, listener) => (listeners[event] = (listeners[event] ?? []).filter((other) => other !== listener)),
    async request({ method, params = [] }) {
      if (PROMPTS.includes(method)) {
        wallet.log.push(method);
        if (wallet.delay) await new Promise((done) => setTimeout(done, wallet.delay));
        if (wallet.rejectNext) {
          wallet.rejectNext = false;
          throw Object.assign(new Error("User rejected the request."), { code: 4001 });
        }
      }
      const account = accounts[selected];
      switch (method) {
        case "eth_accounts":
          return localStorage.getItem(store("granted")) ? [account.address] : [];
        case "eth_requestAccounts":
          localStorage.setItem(store("granted"), "1");
          return [account.address];
        case "wallet_revokePermissions":
          localStorage.removeItem(store("granted"));
          return null;
        case "eth_chainId":
          return chainId;
        case "wallet_switchEthereumChain":
          if (!known.has(params[0].chainId)) throw Object.assign(new Error("Unrecognized chain ID"), { code: 4902 });
          setChain(params[0].chainId);
          return null;
        case "wallet_addEthereumChain":
          known.add(params[0].chainId);
          return null;
        case "eth_signTypedData_v4":
          return account.signTypedData(JSON.parse(params[1]));
        case "eth_sendTransaction": {
          const { to, data, value, gas } = params[0];
          return client(account).sendTransaction({ chain: null, to, data, value: value && BigInt(value), gas: gas && BigInt(gas) });
        }
        default:
          return client(account).request({ method, params });
      }
    },
  };
  const info = Object.freeze({ uuid: crypto.randomUUID(), name, rdns, icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
  return wallet;
}

const { rpcUrl, keys } = globalThis.__walletConfig;
globalThis.__wallets = {
  fox: makeWallet("Test Fox", "test.fox", keys, rpcUrl),
  rabbit: makeWallet("Test Rabbit", "test.rabbit", keys.slice(1), rpcUrl),
};
