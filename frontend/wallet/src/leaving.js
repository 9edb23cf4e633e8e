// SPDX-License-Identifier: Apache-2.0
// Between a click on the navigation and the server's answer, Streamlit sends whatever a page tells by itself with the
// page of before, and the server goes back to it. Reports wait meanwhile; what Streamlit's own timers send cannot, so
// a click is repeated when the page has not come.

const PATIENCE_MS = [2000, 4000, 8000]; // a server may also be slow, or gone

let departure = null;
let repeated = 0; // how often the click was made before that is under way

/** Note clicks that lead to another page of the app. */
export function watchNavigation() {
  document.addEventListener("click", (event) => {
    const link = event.composedPath().find((element) => element.href);
    if (!link || link.origin !== location.origin || link.pathname === location.pathname) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || link.target === "_blank") return; // opens another tab
    const patience = PATIENCE_MS[repeated];
    departure = { link, repeated, from: location.pathname, until: Date.now() + patience };
    setTimeout(repeat, patience, departure);
  }, true);
  addEventListener("popstate", () => { departure = null; }); // went back: the page had come
}

function repeat(missed) {
  const comes = missed !== departure || location.pathname !== missed.from;
  if (comes || !missed.link.isConnected || missed.repeated + 1 === PATIENCE_MS.length) return;
  repeated = missed.repeated + 1;
  missed.link.click();
  repeated = 0;
}

/** Whether a page was asked for and has not come yet. */
export function leaving() {
  return departure !== null && location.pathname === departure.from && Date.now() < departure.until;
}
