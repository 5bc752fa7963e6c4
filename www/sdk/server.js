// The package on a server: decides for visitors whom the server knows, with the same engine as the browser.
import { Engine } from "../../crates/portable/portable.mjs";
import { facade } from "./facade.js";
import { loadSite } from "./site.js";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

const answers = (engine, site, visitor, now) => {
  const { url = "", referrer = "", userAgent = "", language = "", attributes, ...rest } = visitor;
  const page = engine.page({ url, referrer, userAgent, language });
  // Without a user agent is a machine; of whom nothing is said, it is not known.
  const known = { isBot: visitor.userAgent !== undefined && page.isBot, ...rest, url, attributes: { ...page.attributes, ...attributes } };
  const decided = engine.decide(known, now);
  const { features, kept } = decided;
  const find = (key) => engine.items.find((item) => item.key === key);
  return {
    variation: (key, fallback) => find(key)?.variations[decided.variation(key)] ?? fallback,
    reason: (key) => find(key) && decided.reason(key),
    feature: (key, fallback) => features[key]?.value ?? fallback,
    decisions: () =>
      engine.items.map(({ key, isExperiment, variations }) => ({
        key, kind: isExperiment ? "experiment" : "personalization",
        variation: variations[decided.variation(key)], reason: decided.reason(key),
      })),
    explain: (key) => engine.explain(known, now).items.find((item) => item.key === key),
    kept,
    config: site.config,
  };
};

/** The package over a compiled engine. */
export function serve(compiled) {
  // On a server there is no page: what is imported for the browser answers its fallbacks.
  const splitlight = facade(() => undefined, async () => {
    throw new Error("there is no page on a server: use load() here, and init() in the browser");
  });

  const load = async ({ api, site } = {}) => {
    try {
      if (!api && !site) throw new Error("load() needs `api`, the address of the Worker's own paths, or `site`, what it answers at /program");
      const known = site ?? (await loadSite(`${api}`.replace(/\/$/, "")));
      const engine = new Engine(compiled(), bytes(known.program));
      const decide = (visitor, now = Date.now()) => answers(engine, known, visitor, now);
      return { ok: true, source: site ? "given" : "network", decide };
    } catch (error) {
      const none = { variation: (_, fallback) => fallback, reason: () => undefined, feature: (_, fallback) => fallback };
      const decide = () => ({ ...none, decisions: () => [], explain: () => undefined, kept: "", config: "" });
      return { ok: false, source: "none", error, decide };
    }
  };
  return { splitlight, load };
}
