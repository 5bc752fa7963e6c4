// The routes of a single-page app.

// Where no event tells of a new address, it is looked at so often: `pushState` has none there.
const LOOK_MS = 100;

/** Calls when the address may be another one; `options` as listeners take them. */
export const whenMoved = (look, options) =>
  window.navigation ? navigation.addEventListener("currententrychange", look, options) : setInterval(look, LOOK_MS);
