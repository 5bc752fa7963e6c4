// The package in a browser: the script tag's page, with the program loaded by itself. Importing it does nothing.
import { openPage } from "../loader/page.js";
import { facade } from "./facade.js";
import { loadSite } from "./site.js";

// The last good program is used for a day where the Worker is in trouble.
const KEPT = "sl.site";
const OLD_MS_MAX = 86_400_000;

let page;

const attempt = (use) => {
  try {
    return use();
  } catch {
    return undefined;
  }
};

const fresh = async (base) => {
  try {
    return await loadSite(base);
  } catch (error) {
    const kept = attempt(() => JSON.parse(localStorage.getItem(KEPT)));
    if (kept?.base === base && Math.abs(Date.now() - kept.at) < OLD_MS_MAX) return kept.site;
    throw error;
  }
};

async function open(options) {
  if (typeof document === "undefined") throw new Error("there is no page here: call init() in the browser");
  // Another copy, such as a script tag, keeps the page: two would change it twice.
  if (window.splitlight?.version) page = window.splitlight;
  else {
    const before = window.splitlight;
    const base = `${options.api ?? "/_sl"}`.replace(/\/$/, "");
    const site = options.site ?? (await fresh(base));
    // Who came first while the program was loading.
    if (!window.splitlight?.version) {
      window.splitlight = openPage(options, base, "@@WASM@@", atob(site.program), site);
      if (Array.isArray(before)) window.splitlight.push(...before);
      const own = window.splitlight;
      // Who has an id has agreed that something is kept; it goes when they take that back.
      const keep = () =>
        attempt(() => {
          if (own.visitorId()) localStorage.setItem(KEPT, JSON.stringify({ at: Date.now(), base, site }));
          else localStorage.removeItem(KEPT);
        });
      own.onChange(keep);
    }
    page = window.splitlight;
  }
  return page.init();
}

/** The API of this page. */
export const splitlight = facade(() => page, open);
export default splitlight;
