// Compares the script's core as WebAssembly with the same core as plain JavaScript and with the slim one, answer by answer.

import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openCore } from "../../www/loader/core.js";

const PAIRS = 2000;
const AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0", "Mozilla/5.0 (iPhone) Safari/605", "Googlebot/2.1"];

/** What the loader tells the core, for a record of a visitor. */
const factsOf = (record, number) => ({
  id: record.id, user: record.user, sticky: record.sticky, url: record.url, consent: record.consent,
  referrer: number % 3 ? "https://news.test/?utm_source=x" : "", userAgent: AGENTS[number % 20 ? number % 2 : 2],
  language: "es-ES", utcOffset: record.utcOffset, attributes: record.attributes, entered: number % 2 === 0,
});

// What the slim core says of a program that it does not decide.
const REFUSED = /whole core/;

/** Says how many pairs are answered otherwise; `example` gives a pair in JSON. */
export async function comparePlain(wasm, plain, slim, example) {
  const [whole, small] = [wasm, slim].map((file) => new WebAssembly.Module(readFileSync(file)));
  const { default: part } = await import(pathToFileURL(plain));
  const asWasm = (imports) => new WebAssembly.Instance(whole, imports).exports;
  const asSlim = (imports) => new WebAssembly.Instance(small, imports).exports;
  const asPlain = part();
  const clock = Date.now;
  let [differing, decided, refused] = [0, 0, 0];
  try {
    for (let number = 0; number < PAIRS; number++) {
      const { program, record } = JSON.parse(example(number));
      Date.now = () => record.now;
      const history = Buffer.from(record.history ?? "", "hex");
      const [one, other, third] = [asWasm, asPlain, asSlim].map((instantiate) => {
        let core;
        try {
          core = openCore(instantiate, Uint8Array.from(program));
        } catch (error) {
          if (instantiate !== asSlim || !REFUSED.test(error.message)) throw error;
          refused += 1;
          return undefined;
        }
        const facts = factsOf(record, number);
        const answers = [core.asksHistory, core.decide(facts, history), core.remember(["view", { a: number }, 7], history)];
        return [...answers, core.decide({ ...facts, keep: true, url: `${facts.url}#x` }, history)];
      });
      decided += one[1]?.[3].length ?? 0;
      try {
        deepStrictEqual(other, one);
        if (third) deepStrictEqual(third, one);
      } catch (error) {
        differing += 1;
        console.error(`plain core: pair ${number}: ${error.message}`);
      }
    }
  } finally {
    Date.now = clock;
  }
  if (decided === 0) throw new Error("the cores decided nothing: the program's bytes do not reach them");
  if (refused === 0 || refused === PAIRS) throw new Error(`the slim core refused ${refused} of ${PAIRS} programs`);
  console.log(`plain core: ${PAIRS} pairs and ${decided} decisions as WebAssembly and as JavaScript, ${PAIRS - refused} of the pairs also by the slim core, ${differing} differ`);
  return differing;
}
