// One cold start in a Node process of its own: evaluates a script and lets it decide, and prints the milliseconds.

import { readFileSync } from "node:fs";
import vm from "node:vm";

const { script, input, wasm, program } = JSON.parse(process.argv[2]);
const source = readFileSync(script, "utf8");
const given = JSON.parse(readFileSync(input, "utf8"));
if (wasm) Object.assign(given, { wasm: readFileSync(wasm), program: readFileSync(program) });
const start = performance.now();
vm.runInThisContext(source);
globalThis.coldStart(given);
console.log(performance.now() - start);
