// SPDX-License-Identifier: Apache-2.0
// Between a click on the navigation and the server's answer, Streamlit sends every report with the page of before, and
// the server would go back to it.

const PATIENCE_MS = 2000; // a click may also open another tab, or find no server: then reports go on after this

let departure = null;

/** Note clicks that lead to another page of the app. */
export function watchNavigation() {
  document.addEventListener("click", (event) => {
    const link = event.composedPath().find((element) => element.href);
    if (!link || link.origin !== location.origin || link.pathname === location.pathname) return;
    departure = { from: location.pathname, until: Date.now() + PATIENCE_MS };
  }, true);
}

/** Whether a page was asked for and has not come yet. */
export function leaving() {
  return departure !== null && location.pathname === departure.from && Date.now() < departure.until;
}
