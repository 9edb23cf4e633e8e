// SPDX-License-Identifier: Apache-2.0
// A wallet on another device: WalletConnect's own client, which signs with a local key whatever it is asked.
// Bundled by the test; globalThis.__phone({relayUrl, projectId, chainId, rpcUrl, key, uri}) pairs, resolves once it is connected.

import { SignClient } from "@walletconnect/sign-client";
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const METHODS = ["eth_sendTransaction", "eth_signTypedData_v4", "personal_sign"];

globalThis.__phone = async ({ relayUrl, projectId, chainId, rpcUrl, key, uri, refuses }) => {
  const account = privateKeyToAccount(key);
  const wallet = createWalletClient({ account, transport: http(rpcUrl) });
  const metadata = { name: "Test Phone", description: "", url: location.origin, icons: [] };
  const client = await SignClient.init({ relayUrl, projectId, metadata, telemetryEnabled: false, customStoragePrefix: "phone" });
  const log = [];
  const answer = async ({ method, params }) => {
    log.push(method);
    if (method === "eth_signTypedData_v4") return account.signTypedData(JSON.parse(params[1]));
    if (method === "personal_sign") return account.signMessage({ message: { raw: params[0] } });
    const { to, data, gas } = params[0];
    return wallet.sendTransaction({ chain: null, to, data, gas: gas && BigInt(gas) });
  };
  client.on("session_request", async ({ topic, id, params }) => {
    const result = await answer(params.request);
    await client.respond({ topic, response: { id, jsonrpc: "2.0", result } });
  });
  const connected = new Promise((resolve, reject) => {
    client.on("session_proposal", async ({ id }) => {
      if (refuses) {
        await client.reject({ id, reason: { code: 5000, message: "User rejected." } });
        return resolve(log);
      }
      const accounts = [`eip155:${chainId}:${account.address}`];
      const namespaces = { eip155: { accounts, chains: [`eip155:${chainId}`], methods: METHODS, events: ["accountsChanged", "chainChanged"] } };
      const { acknowledged } = await client.approve({ id, namespaces });
      acknowledged().then(() => resolve(log), reject);
    });
  });
  await client.core.pairing.pair({ uri });
  return connected;
};
