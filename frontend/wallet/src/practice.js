// SPDX-License-Identifier: Apache-2.0
// A practice wallet for people who have none yet: a key made in this browser, for the local chain only.
// It speaks EIP-1193 like any wallet. Whoever can read this browser's storage can use the key, which is
// why it refuses every chain but 31337, where money is play money.

import { createWalletClient, http } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

export const LOCAL_CHAIN = 31337;
const KEY = "net8.practice.key";
const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f766e"/>' +
      '<path d="M17.5 5 8 18h7l-1.500 9L24 13.500h-7.500z" fill="#fff"/></svg>',
  );

function account() {
  let key = localStorage.getItem(KEY);
  if (!key) {
    key = generatePrivateKey();
    localStorage.setItem(KEY, key);
  }
  return privateKeyToAccount(key);
}

/** An EIP-6963 announcement of the practice wallet, reaching the chain at `rpcUrl`. */
export function practiceWallet(network, name) {
  let granted = false;
  const client = () => createWalletClient({ account: account(), transport: http(network.rpcUrl) });
  const chain = { id: LOCAL_CHAIN, name: network.name, nativeCurrency: network.currency, rpcUrls: { default: { http: [network.rpcUrl] } } };
  const grantedKey = `${KEY}.granted`;
  const provider = {
    on() {},
    removeListener() {},
    async request({ method, params = [] }) {
      switch (method) {
        case "eth_accounts":
          return granted || localStorage.getItem(grantedKey) ? [account().address] : [];
        case "eth_requestAccounts":
          granted = true;
          localStorage.setItem(grantedKey, "1");
          return [account().address];
        case "wallet_revokePermissions":
          granted = false;
          localStorage.removeItem(grantedKey);
          return null;
        case "eth_chainId":
          return `0x${LOCAL_CHAIN.toString(16)}`;
        case "wallet_switchEthereumChain":
        case "wallet_addEthereumChain":
          if (Number(params[0].chainId) !== LOCAL_CHAIN) {
            throw Object.assign(new Error("The practice wallet knows the local chain only."), { code: 4902 });
          }
          return null;
        case "eth_sendTransaction": {
          const { to, data, value, gas } = params[0];
          return client().sendTransaction({
            chain,
            to,
            data,
            value: value === undefined ? undefined : BigInt(value),
            gas: gas === undefined ? undefined : BigInt(gas),
          });
        }
        case "eth_signTypedData_v4":
          return account().signTypedData(typeof params[1] === "string" ? JSON.parse(params[1]) : params[1]);
        case "personal_sign":
          return account().signMessage({ message: { raw: params[0] } });
        default:
          return client().request({ method, params });
      }
    },
  };
  return { info: { uuid: "net8-practice", rdns: "net8.practice", name, icon: ICON }, provider };
}
