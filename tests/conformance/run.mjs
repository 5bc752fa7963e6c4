// Runs every vector of tests/vectors in Node, workerd and Chromium, and has all of them decide the same random pairs.

import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { DATE, serve } from "../workerd.mjs";
import { comparePlain } from "./plain.mjs";
import { comparePortable } from "./portable.mjs";

const { values: options } = parseArgs({
  options: {
    "wasm-dir": { type: "string" }, chromium: { type: "string" }, pairs: { type: "string" },
    core: { type: "string" }, plain: { type: "string" }, slim: { type: "string" },
    portable: { type: "string", multiple: true, default: [] },
    seed: { type: "string", default: "1" }, thousands: { type: "string", default: "100" },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const vectorsDir = resolve(here, "../vectors");
const wasmDir = resolve(options["wasm-dir"]);

let [cases, failed, differing] = [0, 0, 0];

/** Paths below tests/vectors. */
function vectorPaths() {
  return readdirSync(vectorsDir, { recursive: true })
    .map((name) => name.split(sep).join("/"))
    .filter((name) => name.endsWith(".json"))
    .sort();
}

/** Prints what a runtime found, and says how many cases failed. */
function print(runtime, found) {
  let cases = 0;
  let failed = 0;
  for (const { path, report, error } of found) {
    const failures = error ? [error] : report.failures;
    cases += report?.cases ?? 1;
    failed += failures.length;
    for (const failure of failures) console.error(`${runtime}: ${path}: ${failure}`);
  }
  console.log(`${runtime}: ${found.length} files, ${cases} cases, ${failed} failed`);
  return { cases, failed };
}

/** What each runtime does with the wasm, as text, because it runs in three of them: vectors, or digests of pairs. */
const work = `
export function work({ run, pairsDigest }, { files, pairs }) {
  if (pairs) return pairs.map(([seed, which]) => pairsDigest(seed, which));
  return files.map(({ path, text }) => {
    try { return { path, report: JSON.parse(run(path, text)) }; } catch (error) { return { path, error: String(error) }; }
  });
}`;

async function inNode(use) {
  const { initSync, run, pairsDigest, pairExample } = await import(pathToFileURL(join(wasmDir, "splitlight_tests.js")));
  const { work: doWork } = await import(`data:text/javascript,${encodeURIComponent(work)}`);
  initSync({ module: readFileSync(join(wasmDir, "splitlight_tests_bg.wasm")) });
  const example = (number) => pairExample(Number(options.seed), number);
  for (const path of options.portable) differing += comparePortable(path, example);
  if (options.plain) differing += await comparePlain(options.core, options.plain, options.slim, example);
  return use(async (input) => doWork({ run, pairsDigest }, input));
}

async function inWorkerd(use) {
  const server = await serve({
    files: {
      "glue.js": readFileSync(join(wasmDir, "splitlight_tests.js")),
      "tests.wasm": readFileSync(join(wasmDir, "splitlight_tests_bg.wasm")),
      "worker.js": `
import { initSync, run, pairsDigest } from "./glue.js";
import module from "./tests.wasm";
${work}
initSync({ module });
export default {
  async fetch(request) { return Response.json(work({ run, pairsDigest }, await request.json())); },
};`,
    },
    services: `(name = "main", worker = (compatibilityDate = "${DATE}", modules = [
      (name = "worker.js", esModule = embed "worker.js"), (name = "glue.js", esModule = embed "glue.js"),
      (name = "tests.wasm", wasm = embed "tests.wasm")]))`,
    sockets: { main: "main" },
  });
  try {
    return await use(async (input) => {
      const response = await fetch(server.base.main, { method: "POST", body: JSON.stringify(input) });
      if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
      return response.json();
    });
  } finally {
    await server.stop();
  }
}

async function inChromium(use) {
  const { chromium } = await import("playwright-core");
  const pages = {
    "/": ["text/html", "<!doctype html><title>vectors</title>"],
    "/glue.js": ["text/javascript", readFileSync(join(wasmDir, "splitlight_tests.js"))],
    "/tests.wasm": ["application/wasm", readFileSync(join(wasmDir, "splitlight_tests_bg.wasm"))],
    "/work.js": ["text/javascript", work],
  };
  const server = createServer((request, response) => {
    const page = pages[request.url];
    response.writeHead(page ? 200 : 404, { "content-type": page?.[0] ?? "text/plain" });
    response.end(page?.[1]);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const browser = await chromium.launch({
    executablePath: options.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate(async () => {
      const [glue, { work }] = await Promise.all([import("/glue.js"), import("/work.js")]);
      await glue.default({ module_or_path: "/tests.wasm" });
      globalThis.work = (input) => work(glue, input);
    });
    return await use((input) => page.evaluate((given) => globalThis.work(given), input));
  } finally {
    await browser.close();
    server.close();
  }
}

/** The digests of the same pairs natively, one per thousand. */
function natively() {
  const child = spawnSync(options.pairs, [options.seed, options.thousands], { encoding: "utf8" });
  console.log(`native: ${child.stderr.trim()}`);
  if (child.status !== 0) throw new Error("the native half of the proof failed: see above");
  return child.stdout.trim().split("\n");
}

/** Has a runtime decide the pairs, and says how many thousands came out otherwise than natively. */
async function comparePairs(runtime, perform, expected) {
  const start = performance.now();
  let differing = 0;
  // In parts, because an answer that takes long looks like one that never comes.
  for (let from = 0; from < expected.length; from += 10) {
    const numbers = expected.slice(from, from + 10).map((_, at) => [Number(options.seed), from + at]);
    const digests = await perform({ pairs: numbers });
    digests.forEach((digest, at) => {
      if (digest === expected[from + at]) return;
      differing += 1;
      console.error(`${runtime}: pairs ${from + at}000 to ${from + at}999 have the digest ${digest}, natively ${expected[from + at]}`);
    });
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${runtime}: ${expected.length},000 pairs in ${seconds} s, ${differing} of ${expected.length} digests differ`);
  return differing;
}

const files = vectorPaths().map((path) => ({ path, text: readFileSync(join(vectorsDir, path), "utf8") }));
if (files.length === 0) throw new Error(`no vectors below ${relative(process.cwd(), vectorsDir)}`);
const start = performance.now();
const expected = natively();
console.log(`native: ${expected.length},000 pairs in ${((performance.now() - start) / 1000).toFixed(1)} s`);
for (const [runtime, place] of Object.entries({ Node: inNode, workerd: inWorkerd, Chromium: inChromium })) {
  await place(async (perform) => {
    const found = print(runtime, await perform({ files }));
    cases += found.cases;
    failed += found.failed;
    differing += await comparePairs(runtime, perform, expected);
  });
}
console.log(`${cases - failed} passed, ${failed} failed; ${differing} differences`);
process.exit(failed === 0 && differing === 0 ? 0 : 1);
