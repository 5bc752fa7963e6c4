// For tests of a site: decides as the browser would, with a clock, a place and variations that the test sets.
import { Engine } from "../../crates/portable/portable.mjs";
import { MEASUREMENT, PERSONALIZATION, decidedBy, isAgreed } from "../loader/device.js";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

let module;
const compiled = () => (module ??= new WebAssembly.Module(bytes("@@TOOLS64@@")));

/**
 * @param {{ site: object, visitor?: string, url?: string, now?: Date | string | number, geo?: object, attributes?: object }} given
 */
export function createTest({ site, visitor = "test-visitor", url = "https://site.test/", now = 0, geo, attributes = {} }) {
  if (typeof site?.program !== "string") throw new TypeError("createTest needs `site`: what the Worker answers at /_sl/program");
  const engine = new Engine(compiled(), bytes(site.program));
  const forced = new Map();
  const met = new Set();
  const events = [];
  let time = moment(now);
  let history = new Uint8Array();
  let [consent, user, kept] = ["granted", "", ""];

  const known = () => {
    const page = engine.page({ url });
    const all = { ...page.attributes, ...(geo && { geo }), ...attributes };
    return { id: visitor, user, url, consent: decidedBy(consent), kept, history, attributes: all };
  };
  const isMeasured = () => isAgreed(consent, MEASUREMENT);
  const remembers = () => isAgreed(consent, PERSONALIZATION);
  const find = (key) => engine.items.find((item) => item.key === key);
  const decide = () => {
    const decided = engine.decide(known(), time);
    kept = decided.kept || kept;
    return decided;
  };
  const stands = (item, decided) => {
    if (forced.has(item.key)) return { variation: forced.get(item.key), reason: "forced" };
    return { variation: item.variations[decided.variation(item.key)], reason: decided.reason(item.key) };
  };
  const expose = (item, { variation, reason }) => {
    const name = `${item.key}\n${variation}`;
    if (!/^(assigned|sticky)$/.test(reason) || !isMeasured() || met.has(name)) return;
    met.add(name);
    events.push({ kind: "exposure", experiment: item.key, variation, time });
  };
  const read = (key, fallback, counts) => {
    const item = find(key);
    if (!item) return fallback;
    const standing = stands(item, decide());
    if (counts) expose(item, standing);
    return standing.variation;
  };

  return {
    /** What was recorded, oldest first: exposures and conversions. */
    events,
    variation: (key, fallback) => read(key, fallback, true),
    peek: (key, fallback) => read(key, fallback, false),
    feature(key, fallback) {
      const found = decide().features[key];
      if (found?.item) expose(find(found.item), stands(find(found.item), decide()));
      return found?.value ?? fallback;
    },
    decisions() {
      const decided = decide();
      return engine.items.map((item) => {
        const kind = item.isExperiment ? "experiment" : "personalization";
        return { key: item.key, kind, ...stands(item, decided) };
      });
    },
    explain: (key) => engine.explain(known(), time).items.find((item) => item.key === key),
    history: { export: () => engine.history(history) },
    track(name, given = {}) {
      const { value = null, ...properties } = typeof given === "number" ? { value: given } : given;
      if (isMeasured()) events.push({ kind: "conversion", name, value, properties, time });
      if (remembers()) history = engine.remember(history, { name, properties, value }, time);
    },
    /** Goes to a page, and counts the view. */
    visit(to, referrer = "") {
      url = new URL(to, url).href;
      if (remembers()) history = engine.visit(history, url, referrer, time);
    },
    identify: (id) => void (user = id),
    setAttributes: (more) => void (attributes = { ...attributes, ...more }),
    consent(word) {
      consent = word;
      if (!remembers()) history = new Uint8Array();
      if (!isMeasured()) kept = "";
    },
    setGeo: (place) => void (geo = place),
    setTime: (at) => void (time = moment(at)),
    advance: (ms) => void (time += ms),
    /** Shows a variation whatever is decided, without an exposure; null decides again. */
    forceVariation(key, variation) {
      const item = find(key);
      if (!item) throw new RangeError(`there is no item "${key}": it knows ${engine.items.map((it) => it.key).join(", ")}`);
      if (variation === null) return void forced.delete(key);
      if (!item.variations.includes(variation)) {
        throw new RangeError(`"${key}" has no variation "${variation}": it knows ${item.variations.join(", ")}`);
      }
      forced.set(key, variation);
    },
  };
}

function moment(at) {
  const ms = typeof at === "number" ? at : new Date(at).getTime();
  if (!Number.isFinite(ms)) throw new RangeError(`${String(at)} is no time: give a Date, an ISO text or milliseconds since 1970`);
  return ms;
}
