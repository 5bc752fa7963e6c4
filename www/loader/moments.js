// What happens on a page, for the parts of the script that make events of it.
import { whenMoved } from "./routes.js";

/** Calls once for each page, routes of a single-page app included. */
export const whenViewed = (see) => {
  let seen;
  const view = () => {
    if (seen === location.pathname) return;
    seen = location.pathname;
    see();
  };
  view();
  whenMoved(view);
};

/** Calls with each of these depths, percent of the page's height, once per page. */
export const whenScrolled = (depths, see) => {
  const met = new Set();
  addEventListener("scroll", () => {
    const { scrollHeight } = document.documentElement;
    const percent = ((scrollY + innerHeight) / scrollHeight) * 100;
    for (const depth of depths.filter((it) => it <= percent && !met.has(location.pathname + it))) {
      met.add(location.pathname + depth);
      see(depth);
    }
  }, { passive: true });
};

/** Calls when the page comes into focus and when it goes out of it, then with the milliseconds that it was. */
export const whenFocused = (begin, end) => {
  let since;
  const start = () => {
    if (since !== undefined) return;
    since = performance.now();
    begin();
  };
  const stop = () => {
    if (since !== undefined) end(performance.now() - since);
    since = undefined;
  };
  addEventListener("focus", start);
  addEventListener("blur", stop);
  document.addEventListener("visibilitychange", () => document.hidden && stop());
  addEventListener("pagehide", stop);
  if (document.hasFocus()) start();
};

/** Calls when the pointer leaves through the top, where the tabs are, once per page. */
export const whenLeaving = (see) => {
  const met = new Set();
  document.documentElement.addEventListener("mouseleave", ({ clientY }) => {
    if (clientY > 0 || met.has(location.pathname)) return;
    met.add(location.pathname);
    see();
  });
};

/** Minor units of a currency, as the browser knows them: 2 for the euro, 0 for the yen. */
export const minor = (value, currency) => {
  let digits = 2;
  try {
    digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  } catch {
    // No currency, or none that the browser knows.
  }
  return Math.round(value * 10 ** digits);
};

/** Something of the site that throws is none of the visitor's business. */
export const guarded = (use) => (...given) => {
  try {
    return use(...given);
  } catch {
    return undefined;
  }
};
