// The script tag: `window.splitlight`, from what the tag and the page say.
import { openPage } from "./page.js";

function start() {
  const before = window.splitlight;
  if (before?.version) return;
  const script = document.currentScript ?? document.querySelector("script[data-key]");
  const options = { ...script?.dataset, ...window.splitlight_config };
  const base = options.api ?? (script?.src || `${location.origin}/_sl/`).replace(/\/[^/]*$/, "");
  const api = openPage(options, base, "@@WASM@@", "@@PROGRAM@@", "@@SITE@@");
  window.splitlight = api;
  const run = () => Array.isArray(before) && api.push(...before);
  // Who starts it by hand does so in what they have pushed.
  if (options.mode === "manual") run();
  else api.init().then(run);
}

try {
  start();
} catch (error) {
  console.warn("Splitlight could not start:", error);
}
