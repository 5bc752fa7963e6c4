// One page: starts the core, keeps its failures from the page, and gives the API that is `window.splitlight`.
//
// The order of the imports is one that makes the script small.
import { MEASUREMENT, isAnswer, openDevice } from "./device.js";
import { createEvents } from "./events.js";
import { openCore } from "./core.js";
import { createEdits } from "./edits.js";
import { siteSays } from "./signals.js";
import { createOutbox } from "./outbox.js";
import { MASK, bytes } from "./bytes.js";
import { openUnmask } from "./unmask.js";
import { whenMoved } from "./routes.js";

const VERSION = "0.1.0";
// After the page is complete, elements may be this late; then we stop looking for more of what was found.
const LATE_MS = 5_000;
// A new address answers within this time, or the page that was to be left is seen, such as after a download.
const STAY_MS = 2_000;
// What was met is written down when the page has a moment, or after this time.
const SETTLE_MS = 200;

/**
 * @param {Record<string, any>} options What the tag's attributes and `splitlight_config` say.
 * @param {string} base Where the Worker's own paths are.
 * @param {string} wasm The core, as the build writes it.
 * @param {string} program The program's bytes, a character each.
 * @param {{ config?: string, slots?: object, asks?: object, sights?: object, events?: object[], redirectHosts?: string[] }} site What else the config says.
 */
export function openPage(options, base, wasm, program, site) {
  let { attributes, user } = options;
  let core;
  let handover;
  let url;
  // The page view that was counted, so that one page is one view however often it is decided about.
  let entered;
  // Whether the visitor is on their way to another address, and the addresses to which they do not go.
  let leaving;
  const stays = new Set();
  // Key to decision, so that reading one again never enters the core.
  let table = new Map();
  let features = new Map();
  const watchers = new Set();
  // Key to the selectors of all variations that were not found yet on this page: who is exposed must not depend on the
  // variation, or the split would be no split.
  let asks = {};

  const complain = (what, error) => console.warn(`Splitlight ${what}:`, error);

  // Nothing of ours may reach the page as an error.
  const guarded = (use) => (...given) => {
    try {
      return use(...given);
    } catch (error) {
      if ("debug" in options) complain("caught", error);
      return undefined;
    }
  };

  // A trap leaves the core in an unknown state, so it is never called again.
  const call = (use) => {
    if (!core) return undefined;
    const alive = core;
    core = undefined;
    try {
      const result = use(alive);
      core = alive;
      return result;
    } catch (error) {
      complain("is off on this page", error);
      return undefined;
    }
  };

  const signals = `${options.signals ?? ""}`;
  const device = openDevice(siteSays(options.consent, signals));
  const edits = createEdits((selector) => complain("gives up", selector));
  const outbox = createOutbox(`${base}/e`, options.key, `browser/${VERSION}`);
  const events = createEvents(device, outbox, site.config ?? "");

  // The history, if the core has a use for it.
  const known = ({ asksHistory }) => (asksHistory ? bytes(device.history()) : []);

  // --- Decisions -----------------------------------------------------------------------------------------------
  const facts = (keep) => ({
    id: device.id,
    user,
    sticky: device.sticky(),
    url,
    referrer: document.referrer,
    userAgent: navigator.userAgent,
    language: navigator.language,
    consent: device.consent,
    utcOffset: -new Date().getTimezoneOffset(),
    entered: url !== entered,
    attributes,
    handover,
    keep,
  });

  const decide = (keep, isNew) => {
    if (unsettled.size) settle();
    if (leaving) return;
    url = location.href;
    const answer = call((it) => it.decide(facts(keep), known(it)));
    if (!answer) return;
    const [values, kept, visited, items, segments] = answer;
    tell(segments);
    if (device.agreed()) entered = url;
    if (visited.length) device.keepHistory(visited);
    features = new Map(values.map(([key, ...feature]) => [key, feature]));
    if (kept) device.keepSticky(kept);
    const old = table;
    table = new Map();
    for (const [key, kind, variation, reason, value, onRead, changes, redirect] of items) {
      const met = old.get(key)?.variation === variation && old.get(key).met;
      table.set(key, { key, kind, variation, reason, value, onRead, changes, redirect, met });
    }
    show(keep, isNew);
  };

  // Makes what is in force, unless that is another page.
  const show = (keep, isNew) => {
    for (const decision of table.values()) {
      const there = decision.redirect && target(...decision.redirect);
      if (!there) continue;
      // Who has not met a variation does not count.
      if (stays.has(there)) decision.reason = "blocked";
      else return leave(decision, there, () => show(keep, isNew));
    }
    const open = [...table.values()].filter(({ changes }) => changes);
    if (!keep) {
      asks = { ...site.asks };
      // On the page that the edge rendered only what it left is asked for: the rest may not be found any more.
      for (const { key, asks: left } of (!isNew && handover?.decisions) || []) {
        if (left) asks[key] = left[0] && left;
      }
    }
    edits.plan(open.map(({ key, variation, changes }) => [key, variation, changes]), isNew);
    watch();
    for (const watcher of watchers) guarded(watcher)(api.decisions());
  };

  // What was met and is still to be written down.
  const unsettled = new Set();
  const settle = () => {
    device.settleId();
    unsettled.forEach(guarded(expose));
    unsettled.clear();
  };
  // The first look into the storage may take longer than all that was decided, so the page goes on before it.
  const settleSoon = () => (window.requestIdleCallback ?? setTimeout)(settle, { timeout: SETTLE_MS });
  const meet = (decision) => {
    if (decision.met || !/^(assigned|sticky)$/.test(decision.reason)) return;
    if (!unsettled.size) settleSoon();
    unsettled.add(decision);
  };

  const expose = (decision) => {
    decision.met = events.expose(decision.key, decision.variation);
    // A personalization that was met counts against its cap.
    if (decision.met && decision.kind) remember("$shown", { item: decision.key }, null);
  };

  const remember = (...event) => {
    const answer = call((it) => it.asksHistory && it.remember(event, known(it)));
    if (!answer) return;
    device.keepHistory(answer[0]);
    tell(answer[1]);
  };

  // An edge that rendered this page renders the next ones by the audiences the visitor is in now.
  const tell = (segments) => {
    if (segments && handover && site.config && base.startsWith(`${location.origin}/`)) {
      device.tell(`${site.config.slice(0, 8)}~${segments.join(".")}`, `${base}/s`);
    }
  };

  // The address to which a redirect leads, unless the visitor is there.
  const target = (to, keepQuery) => {
    const there = new URL(to, url);
    const own = there.searchParams;
    const added = [...new URL(url).searchParams].filter(([name]) => keepQuery && !own.has(name));
    for (const [name, value] of added) own.append(name, value);
    return there.href !== url.replace(/#.*/, there.hash) && there.href;
  };

  // To another address, or else on with this page. Nobody should see the page that is left.
  const leave = async (decision, there, goOn) => {
    const { style } = document.documentElement;
    style.visibility = "hidden";
    leaving = there;
    const stay = guarded(() => {
      if (leaving !== there) return;
      style.visibility = leaving = "";
      stays.add(there);
      goOn();
    });
    setTimeout(stay, STAY_MS);
    const met = () => {
      meet(decision);
      flush();
      return outbox.saved;
    };
    if (!(await more("leave", there, met))) stay();
  };

  // Reading is what the visitor meets of an experiment that changes nothing by itself.
  const read = (key) => {
    const decision = table.get(key);
    if (decision?.onRead) meet(decision);
    return decision;
  };

  // Reading a feature is what the visitor meets of the experiment that gives its value.
  const feature = (key, fallback) => {
    const [value, , item] = features.get(key) ?? [];
    const decision = item && table.get(item);
    if (decision) meet(decision);
    return value ?? fallback;
  };

  // --- The page ------------------------------------------------------------------------------------------------
  const isComplete = () => document.readyState !== "loading";
  let frame = 0;
  let deadline = 0;
  let watching = false;

  const isMissing = (selector) => !guarded(() => document.querySelector(selector))();

  const look = guarded(() => {
    frame = 0;
    if (leaving) return;
    let wants = 0;
    // Before the changes, which may take away what another variation would have changed.
    for (const { key, changes } of table.values()) {
      if (changes && (asks[key] = asks[key]?.filter(isMissing))?.[0]) wants = 2;
    }
    edits.make();
    const complete = isComplete();
    for (const decision of table.values()) {
      // What asks for nothing is met when the page is there to be met, whatever it changes.
      const { key, changes, onRead } = decision;
      if (changes && !onRead && (complete || asks[key]) && !asks[key]?.[0] && edits.done(key) && isSeen(key)) {
        meet(decision);
      }
    }
    if (complete) deadline ||= performance.now() + LATE_MS;
    wants ||= edits.wants();
    if (!wants || (wants === 1 && complete && performance.now() > deadline)) {
      observer.disconnect();
      watching = false;
    }
  });

  const observer = new MutationObserver(() => {
    // While the page arrives: before anything is painted. Later: once per frame.
    if (!isComplete()) look();
    else frame ||= requestAnimationFrame(look);
  });

  const watch = () => {
    deadline = 0;
    if (!watching) observer.observe(document, { childList: true, characterData: true, subtree: true });
    watching = true;
    look();
  };

  const restore = guarded(() => device.agreed(MEASUREMENT) && outbox.restore());
  const ready = () => {
    look();
    restore();
  };
  const flush = guarded(() => {
    settle();
    outbox.flush();
  });
  const route = guarded(() => location.href !== url && decide(false, true));
  const listening = new AbortController();

  const listen = () => {
    const { signal } = listening;
    if (isComplete()) ready();
    else document.addEventListener("DOMContentLoaded", ready, { signal });
    // No unload handlers: they would keep the page out of the back-forward cache.
    addEventListener("pagehide", flush, { signal });
    document.addEventListener("visibilitychange", () => document.hidden && flush(), { signal });
    whenMoved(route, { signal });
  };

  // What is rarely needed is a file of its own; it gets what this page has.
  const more = async (name, ...given) => {
    try {
      return await (await import(`${base}/p/@@PARTS@@/${name}.js`)).default(page, ...given);
    } catch {
      return undefined;
    }
  };
  // Whether what is to be met was in sight: a part says so where the site wants to know.
  let isSeen = () => options.exposure !== "visible";

  // --- The API: nothing here throws ----------------------------------------------------------------------------
  const api = {
    version: VERSION,
    init: () => (begun ??= begin()),
    variation: (key, fallback) => read(key)?.variation ?? fallback,
    peek: (key, fallback) => table.get(key)?.variation ?? fallback,
    value: (key, fallback) => read(key)?.value ?? fallback,
    feature,
    isOn: (key) => !!feature(key),
    content: (slot, fallback) =>
      (site.slots?.[slot] ?? [slot]).map((key) => table.get(key)).find((it) => it?.changes)?.value ?? fallback,
    explain: (key) => more("inspect", "explain", key),
    history: { export: () => more("inspect", "history") },
    visitorId: () => (device.agreed() && device.id) || null,
    decisions: () =>
      [...table.values()].map(({ key, kind, variation, reason, changes }) => {
        const applied = !!changes && edits.done(key);
        return { key, kind: kind ? "personalization" : "experiment", variation, reason, applied };
      }),
    track: guarded((name, properties) => {
      settle();
      const event = events.conversion(name, properties);
      if (event) remember(...event);
    }),
    identify: guarded((id) => {
      user = id;
      decide(true);
    }),
    setAttributes: guarded((more) => {
      attributes = { ...attributes, ...more };
      decide(true);
    }),
    consent: guarded((answer) => {
      if (!isAnswer(answer)) return;
      device.answer(answer);
      if (!device.agreed(MEASUREMENT)) outbox.clear();
      decide(answer !== "denied");
      restore();
    }),
    forget() {
      const { id } = device;
      device.forget();
      api.consent("denied");
      return more("forget", id);
    },
    onChange(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    destroy: guarded(() => {
      listening.abort();
      observer.disconnect();
      // Whoever still looks later finds nothing to do.
      watching = true;
      watchers.clear();
      flush();
      core = undefined;
      table.clear();
      features.clear();
      edits.plan([], true);
    }),
    push(...commands) {
      for (const command of commands) {
        guarded(() => {
          if (typeof command === "function") command(api);
          else api[command[0]](...command.slice(1));
        })();
      }
    },
  };
  // As the parts take it.
  const page = [
    api, options, base, site, () => [...table.values()], device, outbox, events, program, () => facts(),
    (seen) => {
      isSeen = seen;
      look();
    },
  ];
  let begun;
  const begin = async () => {
    let source = "script";
    let error;
    let read = bytes;
    const open = (instantiate) => (core = openCore(instantiate, read(program)));
    device.recall();
    const element = document.getElementById("splitlight-handover");
    handover = element && guarded(JSON.parse)(element.textContent);
    // A framework that takes over the whole document would not find it in its own.
    element?.remove();
    try {
      read = openUnmask();
      const module = new WebAssembly.Module(read(wasm, MASK));
      open((imports) => new WebAssembly.Instance(module, imports).exports);
    } catch (refused) {
      // By a Content-Security-Policy, or by an old browser: the same core as JavaScript. Without it the page stays as it is.
      error = refused;
      source = "plain";
      const plain = await more(source);
      if (!plain) complain("is off on this page", error);
      else if (!listening.signal.aborted) guarded(open)(plain);
    }
    const met = device.met();
    if (met) unsettled.add(met);
    guarded(decide)(false);
    if (!unsettled.size) settleSoon();
    guarded(listen)();
    if (/tcf|gcm/.test(signals)) more("signals", signals);
    if (!isSeen()) more("visible");
    if (options.track || options.bridge) more("track");
    if (site.events) more("events");
    if (device.forgets()) more("forget");
    if (/[?&]sl_debug/.test(location.search)) more("debug");
    return { ok: !!core, source: handover ? "edge" : source, error };
  };
  return api;
}
