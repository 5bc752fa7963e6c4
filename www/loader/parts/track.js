// Events that nobody has to write: what visitors do (`data-track`), purchases of a `dataLayer`, and exposures for other tools
// (`data-bridge`). Each is named as analytics tools name it.

import { guarded, minor, whenFocused, whenLeaving, whenScrolled, whenViewed } from "../moments.js";

// Of the page's height, each once per page.
const DEPTHS = [25, 50, 75, 90];
// Who looks for less has not been there.
const FOCUS_MS_MIN = 1000;

const words = (option) => `${option ?? ""}`.split(/[\s,]+/);

// What is clicked and sent, without what people have typed.
const named = (element) => ({
  id: element.id.slice(0, 64) || undefined,
  text: element.matches("a, button") ? element.textContent.trim().slice(0, 64) : undefined,
  to: element.href && URL.canParse(element.href) ? new URL(element.href).pathname.slice(0, 256) : undefined,
});

const observe = (type, see) => {
  try {
    new PerformanceObserver((list) => list.getEntries().forEach(see)).observe({ type, buffered: true });
  } catch {
    // Not measured by this browser.
  }
};

const trackers = {
  view: (track) => whenViewed(() => track("page_view")),
  click(track) {
    addEventListener("click", ({ target }) => {
      const element = target instanceof Element && target.closest("a, button, [data-sl-click]");
      if (element) track("click", { ...named(element), name: element.dataset?.slClick });
    }, { capture: true, passive: true });
  },
  form(track) {
    addEventListener("submit", ({ target }) => track("form_submit", { id: target.id?.slice(0, 64) || undefined }), { capture: true, passive: true });
  },
  scroll: (track) => whenScrolled(DEPTHS, (percent) => track("scroll", { percent })),
  time: (track) => whenFocused(() => {}, (spent) => spent >= FOCUS_MS_MIN && track("user_engagement", { value: Math.round(spent) })),
  exit: (track) => whenLeaving(() => track("exit_intent")),
  vitals(track) {
    const found = {};
    observe("largest-contentful-paint", ({ startTime }) => (found.lcp = startTime));
    observe("paint", ({ name, startTime }) => name === "first-contentful-paint" && (found.fcp = startTime));
    // In thousandths, since values are whole.
    observe("layout-shift", ({ value, hadRecentInput }) => hadRecentInput || (found.cls = (found.cls ?? 0) + value * 1000));
    observe("event", ({ duration }) => (found.inp = Math.max(found.inp ?? 0, duration)));
    const send = () => {
      if (!document.hidden) return;
      for (const name of Object.keys(found)) {
        track("web_vital", { name, value: Math.round(found[name]) });
        delete found[name];
      }
    };
    document.addEventListener("visibilitychange", send);
    addEventListener("pagehide", () => Object.keys(found).length && send());
  },
  error(track) {
    // A page that fails in a loop has said so after some times; what an error says may be about somebody.
    let left = 10;
    const note = (error, file) => {
      if (left-- > 0) track("error", { name: `${error?.name ?? "Error"}`.slice(0, 64), file: URL.canParse(file) ? new URL(file).pathname.slice(0, 256) : undefined });
    };
    addEventListener("error", ({ error, filename }) => note(error, filename));
    addEventListener("unhandledrejection", ({ reason }) => note(reason));
  },
  // Purchases and the like in the shape of GA4's e-commerce, pushed by `gtag` or as objects.
  ecommerce(track) {
    const layer = (window.dataLayer ||= []);
    const note = (entry) => {
      const [command, name, given] = entry?.[0] ? entry : ["event", entry?.event, entry?.ecommerce];
      if (command !== "event" || !/^(purchase|add_to_cart|begin_checkout|view_item|refund)$/.test(name) || !given) return;
      const { value, currency, transaction_id: order, items } = given;
      const list = Array.isArray(items) ? items.slice(0, 10) : [];
      track(name, {
        value: typeof value === "number" ? minor(value, currency) : undefined,
        currency, order, category: list[0]?.item_category,
        items: list.map(({ item_id: id, item_name: title, item_category: category, price, quantity }) => ({
          id, title, category, price: typeof price === "number" ? minor(price, currency) : undefined, quantity })),
      });
    };
    layer.forEach(note);
    const { push } = layer;
    layer.push = (...entries) => {
      entries.forEach(note);
      return push.apply(layer, entries);
    };
  },
};

const bridges = {
  gtag: (experiment_id, variation_id) => {
    const layer = (window.dataLayer ||= []);
    if (typeof window.gtag === "function") gtag("event", "experiment_viewed", { experiment_id, variation_id });
    else layer.push({ event: "experiment_viewed", experiment_id, variation_id });
  },
  segment: (experiment_id, variation_id) => window.analytics?.track("Experiment Viewed", { experiment_id, variation_id }),
};

export default ([api, options, , , table, , , events]) => {
  for (const word of words(options.track)) if (Object.hasOwn(trackers, word)) guarded(trackers[word])(guarded(api.track));
  const active = words(options.bridge).filter((word) => Object.hasOwn(bridges, word)).map((word) => guarded(bridges[word]));
  if (!active.length) return;
  const told = new Set();
  const tell = (key, variation) => {
    const name = `${key}\n${variation}`;
    if (told.has(name)) return;
    told.add(name);
    for (const bridge of active) bridge(key, variation);
  };
  const { expose } = events;
  events.expose = (key, variation) => {
    const done = expose(key, variation);
    if (done) tell(key, variation);
    return done;
  };
  // What was met before this was loaded.
  for (const { key, variation, met } of table()) if (met) tell(key, variation);
};
