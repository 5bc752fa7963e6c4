// Why each decision of this page is as it is, and what the history holds: the engine with tools, loaded when asked.
import { Engine } from "../../../crates/portable/portable.mjs";
import { decidedBy } from "../device.js";

// As in page.js: a character per byte.
const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

let engine;

/** What the engine is to be told of the visitor, from what the loader tells the core. */
const visitorOf = ({ attributes, handover, sticky, referrer, userAgent, language, ...facts }, history) => {
  const page = engine.page({ url: facts.url, referrer, userAgent, language });
  const { id = "", user = "", url, consent, utcOffset } = facts;
  const all = { ...handover?.attributes, ...page.attributes, ...JSON.parse(JSON.stringify(attributes ?? {})) };
  return { id, user: `${user}`, url, consent: decidedBy(consent), utcOffset, kept: sticky, isBot: page.isBot, attributes: all, history };
};

const explain = (api, facts, history, key) => {
  const { items, features } = engine.explain(visitorOf(facts, history), Date.now());
  const stands = new Map(api.decisions().map((decision) => [decision.key, decision]));
  // What stands on the page is told; the gates say what would be decided now.
  const all = items.map((item) => ({ ...item, ...stands.get(item.key) }));
  return key === undefined ? { items: all, features } : all.find((item) => item.key === key);
};

/** Answers a question of the page: `explain` an item, or all of them, or tell the `history`. */
export default (page, question, key) => {
  const [api, , , , , device, , , program, facts] = page;
  engine ??= new Engine(new WebAssembly.Module(bytes("@@TOOLS@@")), bytes(program));
  const history = bytes(device.history());
  return question === "history" ? engine.history(history) : explain(api, facts(), history, key);
};
