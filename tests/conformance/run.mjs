// Runs every vector of tests/vectors in workerd and in Chromium, with the same wasm and the same files.

import { createServer } from "node:http";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DATE, serve } from "../workerd.mjs";

const { values: options } = parseArgs({
  options: { "wasm-dir": { type: "string" }, chromium: { type: "string" } },
});
const here = dirname(fileURLToPath(import.meta.url));
const vectorsDir = resolve(here, "../vectors");
const wasmDir = resolve(options["wasm-dir"]);

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

const runAll = `
export function runAll(run, files) {
  return files.map(({ path, text }) => {
    try { return { path, report: JSON.parse(run(path, text)) }; } catch (error) { return { path, error: String(error) }; }
  });
}`;

async function inWorkerd(files) {
  const server = await serve({
    files: {
      "glue.js": readFileSync(join(wasmDir, "splitlight_tests.js")),
      "tests.wasm": readFileSync(join(wasmDir, "splitlight_tests_bg.wasm")),
      "worker.js": `
import { initSync, run } from "./glue.js";
import module from "./tests.wasm";
${runAll}
initSync({ module });
export default {
  async fetch(request) { return Response.json(runAll(run, await request.json())); },
};`,
    },
    services: `(name = "main", worker = (compatibilityDate = "${DATE}", modules = [
      (name = "worker.js", esModule = embed "worker.js"), (name = "glue.js", esModule = embed "glue.js"),
      (name = "tests.wasm", wasm = embed "tests.wasm")]))`,
    sockets: { main: "main" },
  });
  try {
    const response = await fetch(server.base.main, { method: "POST", body: JSON.stringify(files) });
    if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
    return await response.json();
  } finally {
    await server.stop();
  }
}

async function inChromium(files) {
  const { chromium } = await import("playwright-core");
  const pages = {
    "/": ["text/html", "<!doctype html><title>vectors</title>"],
    "/glue.js": ["text/javascript", readFileSync(join(wasmDir, "splitlight_tests.js"))],
    "/tests.wasm": ["application/wasm", readFileSync(join(wasmDir, "splitlight_tests_bg.wasm"))],
    "/all.js": ["text/javascript", runAll],
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
    return await page.evaluate(async (inputs) => {
      const [{ default: init, run }, { runAll: all }] = await Promise.all([import("/glue.js"), import("/all.js")]);
      await init({ module_or_path: "/tests.wasm" });
      return all(run, inputs);
    }, files);
  } finally {
    await browser.close();
    server.close();
  }
}

const files = vectorPaths().map((path) => ({ path, text: readFileSync(join(vectorsDir, path), "utf8") }));
if (files.length === 0) throw new Error(`no vectors below ${relative(process.cwd(), vectorsDir)}`);
const found = [print("workerd", await inWorkerd(files)), print("Chromium", await inChromium(files))];
const failed = found.reduce((sum, { failed }) => sum + failed, 0);
const cases = found.reduce((sum, { cases }) => sum + cases, 0);
console.log(`${cases - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
