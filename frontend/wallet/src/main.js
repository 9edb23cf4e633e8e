// SPDX-License-Identifier: Apache-2.0
// Entry of the Streamlit component (Components v2). One component, two views: `bar` and `panel`.

import { resume } from "./actions.js";
import { drawBar } from "./bar.js";
import { entries, followOtherTabs } from "./outbox.js";
import { drawPanel, outcome } from "./panel.js";
import { account, restore } from "./session.js";
import { shared } from "./shared.js";
import { discover } from "./wallets.js";

/** Report a state to the server only when it differs from what it was told last: each report is a re-run. */
function reporter(setStateValue, told) {
  return (name, value) => {
    const text = JSON.stringify(value);
    if (told[name] === text) return;
    told[name] = text;
    setStateValue(name, value);
  };
}

export default function component({ key, data, parentElement, setStateValue }) {
  if (!data) return undefined;
  shared.network = data.network;
  const isBar = data.view === "bar";
  const known = shared.views.get(key);
  const told = known?.told ?? {};
  const tell = reporter(setStateValue, told);
  const view = {
    isBar,
    told,
    root: parentElement,
    data: () => data,
    render: () => (isBar ? drawBar(parentElement, data, (code) => tell("lang", code)) : drawPanel(parentElement, key, data)),
    report: () => {
      if (!isBar) {
        const state = outcome(key);
        if (state) tell("outcome", state);
        return;
      }
      tell("account", account());
      tell("outbox", entries());
      resume();
    },
  };
  shared.views.set(key, view);
  if (isBar) {
    shared.words = data.words;
    document.documentElement.lang = data.lang;
    document.documentElement.dir = data.dir;
    followOtherTabs();
    discover(data.network, data.words.practice, restore);
    if (!known) restore();
  }
  view.render();
  return () => {
    if (shared.views.get(key) === view) shared.views.delete(key);
  };
}
