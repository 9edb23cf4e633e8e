// SPDX-License-Identifier: Apache-2.0
// The connection: which wallet, which account, which chain; kept over a reload without asking again.

import { createClient, custom } from "viem";
import { addChain, getAddresses, getChainId, requestAddresses, switchChain } from "viem/actions";
import { describe } from "./faults.js";
import { redraw, shared } from "./shared.js";
import { wallets } from "./wallets.js";

const LAST = "net8.wallet";
const POLL_LOCAL_MS = 400;
const POLL_MS = 2000;

/** The network as viem describes chains. */
export function chain() {
  const { chainId, name, rpcUrl, explorer, currency } = shared.network;
  return {
    id: chainId,
    name,
    nativeCurrency: currency,
    rpcUrls: { default: { http: [rpcUrl] } },
    ...(explorer ? { blockExplorers: { default: { name: "explorer", url: explorer } } } : {}),
  };
}

/** A viem client that reaches the chain through the connected wallet, or null. */
export function client() {
  if (!shared.active) return null;
  const pollingInterval = shared.network.chainId === 31337 ? POLL_LOCAL_MS : POLL_MS;
  return createClient({ account: shared.address ?? undefined, transport: custom(shared.active.provider), pollingInterval });
}

export function onRightChain() {
  return shared.chainId === shared.network?.chainId;
}

/** What the server is told. It is a claim of the browser and authorises nothing. */
export function account() {
  return {
    address: shared.address,
    chain_id: shared.chainId,
    wallet: shared.active?.info.name ?? null,
    wallets: wallets().length,
    ready: Boolean(shared.settled || shared.address),
  };
}

let reading = 0;
async function refresh() {
  const mine = ++reading;
  let [address, chainId] = [null, null];
  if (shared.active) {
    try {
      const accounts = await getAddresses(client());
      address = accounts[0] ?? null;
      chainId = address ? await getChainId(client()) : null;
    } catch (fault) {
      shared.problem = describe(fault);
    }
  }
  if (mine !== reading) return; // a newer answer is on its way
  Object.assign(shared, { address, chainId });
  announce();
}

function announce() {
  for (const view of shared.views.values()) view.report?.();
  redraw();
}

function listen(provider) {
  if (!provider.on || shared.listened.has(provider)) return;
  shared.listened.add(provider);
  for (const event of ["accountsChanged", "chainChanged", "disconnect"]) {
    provider.on(event, () => shared.active?.provider === provider && refresh());
  }
}

/** Reconnect to the wallet of the last visit, silently: no wallet opens for it. */
export function restore() {
  if (!shared.active) {
    const last = localStorage.getItem(LAST);
    const found = last && wallets().find(({ info }) => info.rdns === last);
    if (found) {
      shared.active = found;
      listen(found.provider);
      refresh();
      return;
    }
  }
  announce();
}

/** Ask a wallet for its accounts. */
export async function connect(wallet) {
  if (shared.asking) return;
  Object.assign(shared, { active: wallet, asking: true, problem: null });
  listen(wallet.provider);
  redraw();
  try {
    await requestAddresses(client());
    localStorage.setItem(LAST, wallet.info.rdns);
  } catch (fault) {
    shared.problem = describe(fault);
    shared.active = null;
  }
  shared.asking = false;
  await refresh();
}

export async function disconnect() {
  const leaving = shared.active?.provider;
  localStorage.removeItem(LAST);
  Object.assign(shared, { active: null, problem: null });
  await refresh();
  // Not every wallet knows this request; it is a courtesy, forgetting the wallet above is what disconnects.
  await leaving?.request({ method: "wallet_revokePermissions", params: [{ eth_accounts: {} }] }).catch(() => undefined);
}

/** Bring the wallet to our network, adding it when the wallet does not know it. Throws a described fault. */
export async function ensureChain() {
  if ((await getChainId(client())) !== shared.network.chainId) {
    try {
      await switchChain(client(), { id: shared.network.chainId });
    } catch (fault) {
      if (describe(fault).kind === "rejected") throw fault;
      await addChain(client(), { chain: chain() });
      await switchChain(client(), { id: shared.network.chainId });
    }
  }
  shared.chainId = await getChainId(client());
  announce();
  if (!onRightChain()) throw { kind: "chain" };
}

export async function switchNetwork() {
  shared.problem = null;
  try {
    await ensureChain();
  } catch (fault) {
    shared.problem = describe(fault);
    redraw();
  }
}
