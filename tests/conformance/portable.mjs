// Compares what the portable module answers with what the engine decides, for visitors that go through bytes.

import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Engine } from "../../crates/portable/portable.mjs";

const PAIRS = 2000;
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

/** A record of a visitor, as the portable engine takes one. */
const visitorOf = ({ id, user, attributes, history, url, consent, bot, sticky, utcOffset, partial, forced }) => ({
  id, user, attributes, url, consent, isBot: bot, kept: sticky, utcOffset, isPartial: partial, forced,
  history: history === undefined ? null : bytes(history),
});

/** Says how many pairs are answered otherwise; `example` gives a pair and what the engine decides. */
export function comparePortable(path, example) {
  const module = new WebAssembly.Module(readFileSync(path));
  const imports = WebAssembly.Module.imports(module).length;
  let [differing, decided] = [imports, 0];
  const engine = new Engine(module, Uint8Array.from(JSON.parse(example(0)).program));
  for (let number = 0; number < PAIRS; number++) {
    const { program, record, items, features, kept } = JSON.parse(example(number));
    engine.load(Uint8Array.from(program));
    if (number % 2 && engine.canIndex) engine.index();
    const answer = engine.decide(visitorOf(record), record.now);
    const found = {
      items: engine.items.map(({ key }) => [key, answer.variation(key), answer.reason(key)]),
      features: Object.entries(answer.features).map(([key, { value, reason, item }]) => [key, value, reason, item ?? null]),
      kept: answer.kept,
    };
    decided += items.length;
    try {
      deepStrictEqual(found, { items, features, kept });
    } catch (error) {
      differing += 1;
      console.error(`${basename(path)}: pair ${number}: ${error.message}`);
    }
  }
  console.log(`${basename(path)}: ${imports} imports, ${PAIRS} pairs and ${decided} decisions through bytes, ${differing} differ`);
  return differing;
}
