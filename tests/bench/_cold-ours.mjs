// A cold start with the portable engine: from bytes to every decision.

import { Engine } from "../../crates/portable/portable.mjs";

globalThis.coldStart = ({ wasm, program, visitor, keys, now }) => {
  const engine = new Engine(new WebAssembly.Module(wasm), program);
  const decided = engine.decide({ id: visitor.id, url: "https://shop.test/", attributes: visitor }, now);
  return keys.map((key) => decided.variation(key));
};
