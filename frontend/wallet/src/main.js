// SPDX-License-Identifier: Apache-2.0
// Entry of the Streamlit component (Components v2). One component, two views: `bar` and `panel`.

import { resume } from "./actions.js";
import { drawBar } from "./bar.js";
import { leaving, watchNavigation } from "./leaving.js";
import * as outbox from "./outbox.js";
import { drawPanel, outcome } from "./panel.js";
import { account, restore } from "./session.js";
import { shared } from "./shared.js";
import * as signed from "./signed.js";
import { discover } from "./wallets.js";

const APART_MS = 60; // Streamlit mixes up fragments when two of them report in one go, so reports go one by one

function enqueue(name, send) {
  shared.reports.set(name, send); // a newer value replaces one that still waits
  if (shared.reporting) return;
  shared.reporting = setInterval(() => {
    if (leaving()) return;
    const [next] = shared.reports;
    if (!next) {
      clearInterval(shared.reporting);
      shared.reporting = null;
      return;
    }
    shared.reports.delete(next[0]);
    next[1]();
  }, APART_MS);
}

/** Report a state to the server only when it differs from what it was told last: each report is a re-run. */
function reporter(place, setStateValue, told) {
  return (name, value) => {
    const text = JSON.stringify(value);
    if (told[name] === text) return;
    told[name] = text;
    enqueue(`${place}.${name}`, () => setStateValue(name, value));
  };
}

export default function component({ data, parentElement, setStateValue }) {
  if (!data) return undefined;
  shared.network = data.network;
  const { name } = data; // unlike Streamlit's own key it stays the same when the component is mounted again
  const isBar = data.view === "bar";
  const known = shared.views.get(name);
  const told = known?.root === parentElement ? known.told : {};
  const tell = reporter(name, setStateValue, told);
  const view = {
    isBar,
    told,
    root: parentElement,
    data: () => data,
    render: () => (isBar ? drawBar(parentElement, data, (code) => tell("lang", code)) : drawPanel(parentElement, name, data)),
    report: () => {
      if (!isBar) {
        const state = outcome(name);
        if (state) tell("outcome", state);
        return;
      }
      tell("account", account());
      tell("outbox", outbox.entries());
      tell("signed", signed.entries());
      resume();
    },
  };
  shared.views.set(name, view);
  if (isBar) {
    shared.words = data.words;
    document.documentElement.lang = data.lang;
    document.documentElement.dir = data.dir;
    outbox.followOtherTabs();
    signed.followOtherTabs();
    discover(data, restore);
    if (!shared.watching) watchNavigation();
    shared.watching = true;
    if (!known) restore();
  } else if (!known) {
    view.report(); // mounted again while something was under way, or just after it
  }
  view.render();
  return () => {
    if (shared.views.get(name) === view) shared.views.delete(name);
  };
}
