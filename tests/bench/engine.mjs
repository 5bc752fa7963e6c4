// Compares the portable engine with GrowthBook's JavaScript SDK: in one Node process, in Chromium, cold and warm.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GrowthBook, GrowthBookClient } from "@growthbook/growthbook";
import { buildSync } from "esbuild";
import { chromium } from "playwright-core";
import { Engine } from "../../crates/portable/portable.mjs";
import { NOW, configs, median, ours, theirs, visitors, warm } from "./_engine.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { SPLITLIGHT_PORTABLE: portable, SPLITLIGHT_PORTABLE_SMALL: small, SPLITLIGHT_ENGINE: engineProgram, SPLITLIGHT_CHROMIUM } = process.env;
const COUNTS = [20, 200];
const COLD_STARTS = 15;
const folder = mkdtempSync(join(tmpdir(), "splitlight-bench-"));
const inFolder = (name) => join(folder, name);

const people = visitors(300);
writeFileSync(inFolder("visitors.json"), JSON.stringify(people));
const wasm = readFileSync(portable);
const cases = COUNTS.map((count) => {
  const { keys, ours: config, theirs: features } = configs(count);
  const [configFile, programFile] = [inFolder(`config-${count}.json`), inFolder(`program-${count}.bin`)];
  writeFileSync(configFile, JSON.stringify(config));
  const native = JSON.parse(execFileSync(engineProgram, [configFile, inFolder("visitors.json"), programFile], { encoding: "utf8" }));
  const cold = { payload: JSON.stringify(features), visitor: people[0], keys, now: NOW };
  writeFileSync(inFolder(`cold-${count}.json`), JSON.stringify(cold));
  return { count, keys, features, programFile, native, cold };
});
for (const [entry, global] of [["_cold-ours", ""], ["_cold-theirs", ""], ["_engine", "bench"]]) {
  const alone = global === "";
  buildSync({
    ...(alone ? { entryPoints: [join(here, `${entry}.mjs`)] } : {
      stdin: {
        contents: `export * from "./_engine.mjs"; export { Engine } from "../../crates/portable/portable.mjs";
          export { GrowthBook, GrowthBookClient } from "@growthbook/growthbook";`,
        resolveDir: here,
      },
    }),
    bundle: true, minify: true, format: "iife", globalName: alone ? undefined : global,
    outfile: inFolder(`${entry}.js`), logLevel: "warning",
  });
}

/** Cold starts in milliseconds: the median, and the fastest, which other work on the machine disturbed least. */
const summary = (times) => ({ median: median(times), fastest: Math.min(...times) });

/** Cold starts in Node, each in a process of its own. */
function coldInNode(script, { count, programFile }) {
  const given = { script: inFolder(`${script}.js`), input: inFolder(`cold-${count}.json`) };
  if (script === "_cold-ours") Object.assign(given, { wasm: small, program: programFile });
  const once = () => Number(execFileSync(process.execPath, [join(here, "_cold-node.mjs"), JSON.stringify(given)], { encoding: "utf8" }));
  return summary(Array.from({ length: COLD_STARTS }, once));
}

const files = {
  "/wasm": () => wasm,
  "/small": () => readFileSync(small),
  ...Object.fromEntries(cases.map(({ count, programFile }) => [`/program-${count}`, () => readFileSync(programFile)])),
  ...Object.fromEntries(["_cold-ours", "_cold-theirs", "_engine"].map((name) => [`/${name}.js`, () => readFileSync(inFolder(`${name}.js`))])),
};
const server = createServer((request, response) => {
  const file = files[request.url];
  response.writeHead(request.url === "/" || file ? 200 : 404, { "content-type": file ? "application/octet-stream" : "text/html", "cache-control": "no-store" });
  response.end(file?.() ?? "<!doctype html><title>bench</title>");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { port } = server.address();
const browser = await chromium.launch({
  executablePath: SPLITLIGHT_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.test 127.0.0.1"],
});
let sites = 0;

/** Does something on a page of a site that no page was of before, so that it has a process of its own. */
async function onFreshPage(perform) {
  const page = await browser.newPage();
  await page.goto(`http://bench${sites++}.test:${port}/`);
  try {
    return await perform(page);
  } finally {
    await page.close();
  }
}

async function coldInChromium(script, { count, cold }) {
  const once = () => onFreshPage((page) => page.evaluate(async ({ script, count, cold }) => {
    const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const source = new TextDecoder().decode(await bytes(`/${script}.js`));
    const given = { ...cold, wasm: await bytes("/small"), program: await bytes(`/program-${count}`) };
    const start = performance.now();
    (0, eval)(source);
    globalThis.coldStart(given);
    return performance.now() - start;
  }, { script, count, cold }));
  const times = [];
  for (let i = 0; i < COLD_STARTS; i++) times.push(await once());
  return summary(times);
}

const warmInChromium = ({ count, features, keys }) => onFreshPage((page) => page.evaluate(async ({ count, features, keys }) => {
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  (0, eval)(`${new TextDecoder().decode(await bytes("/_engine.js"))};globalThis.bench = bench`);
  const { Engine, GrowthBook, GrowthBookClient, ours, theirs, visitors, warm } = globalThis.bench;
  const engine = new Engine(await WebAssembly.compile(await bytes("/wasm")), await bytes(`/program-${count}`));
  engine.index();
  const client = new GrowthBookClient().initSync({ payload: { features } });
  return warm(ours(engine), theirs(client, keys), { GrowthBook, features }, visitors(300), keys);
}, { count, features, keys }));

const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** One line: what, ours, theirs, the ratio, and the target it has to keep to. */
function row(what, unit, [us, them], target) {
  const [ratio, reached] = target?.most
    ? [`${digits(us / them)}x`, us / them <= target.most ? `at most ${target.most}x: reached` : `at most ${target.most}x: MISSED`]
    : [`${digits(them / us)}x`, !target ? "" : them / us >= target.least ? `at least ${target.least}x: reached` : `at least ${target.least}x: MISSED`];
  console.log(`  ${what.padEnd(44)} ${digits(us).padStart(8)} ${unit} ${digits(them).padStart(9)} ${unit} ${ratio.padStart(9)}  ${reached}`);
}

let wrong = 0;
const coldOurs = [];
for (const it of cases) {
  const { count, keys, features, programFile, native } = it;
  const engine = new Engine(new WebAssembly.Module(wasm), readFileSync(programFile));
  engine.index();
  const client = new GrowthBookClient().initSync({ payload: { features } });
  const node = warm(ours(engine), theirs(client, keys), { GrowthBook, features }, people, keys);
  const page = await warmInChromium(it);
  wrong += node.differing + page.differing;
  const targets = count === 200;
  console.log(`\n${count} experiments: Splitlight, @growthbook/growthbook, ratio`);
  row("a new visitor decides everything, Node", "µs", node.newVisitorUs, targets && { least: 40 });
  row("a new visitor decides everything, Chromium", "µs", page.newVisitorUs, targets && { least: 40 });
  row("against an instance per visitor, Node", "µs", [node.newVisitorUs[0], node.perInstanceUs]);
  row("against an instance per visitor, Chromium", "µs", [page.newVisitorUs[0], page.perInstanceUs]);
  row("the same natively, against Node", "µs", [native.decideUs, node.newVisitorUs[1]], targets && { least: 100 });
  row("the same natively with an index", "µs", [native.decideIndexedUs, node.newVisitorUs[1]], targets && { least: 100 });
  row("reading one decision again, Node", "ns", node.rereadNs);
  row("reading one decision again, Chromium", "ns", page.rereadNs);
  const cold = [coldInNode("_cold-ours", it), coldInNode("_cold-theirs", it)];
  const coldPage = [await coldInChromium("_cold-ours", it), await coldInChromium("_cold-theirs", it)];
  coldOurs.push([cold[0].fastest, coldPage[0].fastest]);
  for (const which of ["median", "fastest"]) {
    row(`cold start, Node, ${which}`, "ms", cold.map((it) => it[which]), { most: 0.5 });
    row(`cold start, Chromium, ${which}`, "ms", coldPage.map((it) => it[which]), { most: 0.5 });
  }
  console.log(`  answers that differ: ${node.differing + page.differing} of ${2 * people.length * keys.length}`);
  const { parseUs, compileUs, encodeUs, loadUs, indexUs, configBytes, programBytes, allocations } = native;
  console.log(`  at publish, natively: read ${digits(parseUs)} µs, compile ${digits(compileUs)} µs, encode ${digits(encodeUs)} µs; `
    + `${configBytes} bytes of config become ${programBytes} of program (GrowthBook's payload: ${it.cold.payload.length})`);
  console.log(`  at start, natively: load ${digits(loadUs)} µs, build an index ${digits(indexUs)} µs`);
  const shown = Object.entries(allocations).map(([what, { count, bytes }]) => `${what} ${count} (${bytes} bytes)`);
  console.log(`  allocations: ${shown.join(", ")}`);
}
const [[nodeFew, pageFew], [nodeMany, pageMany]] = coldOurs;
console.log(`\nfastest cold start from ${COUNTS[0]} to ${COUNTS[1]} experiments: ${digits(nodeMany / nodeFew)}x in Node, ${digits(pageMany / pageFew)}x in Chromium`);
await browser.close();
server.close();
rmSync(folder, { recursive: true });
if (wrong > 0) console.error(`error: ${wrong} answers differ`);
process.exit(wrong === 0 ? 0 : 1);
