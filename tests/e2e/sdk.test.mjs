// The npm package, as somebody installs it: in Node, in a Worker, in a page, for a test, and for the TypeScript compiler.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { DATE, serve } from "../workerd.mjs";
import { args, executablePath, listen, part, publish, sleep, until, watch } from "./tag.mjs";

const root = new URL("../..", import.meta.url).pathname;
const out = process.env.SPLITLIGHT_OUT ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "splitlight");
const bin = join(root, "node_modules");

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", variations: [{ key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] },
    { key: "split", variations: [{ key: "a" }, { key: "b" }] },
    { key: "local", when: { "geo.city": "Madrid" }, variations: [{ key: "x", weight: 0 }, { key: "y", weight: 1 }] },
    { key: "mobile", when: { "utm.source": "mail" }, variations: [{ key: "x", weight: 0 }, { key: "y", weight: 1 }] },
  ],
  personalizations: [{ key: "fans", slot: "banner", when: { $history: { event: "view", within: "2d", count: { $gte: 2 } } }, value: "Fan" }],
  features: [{ key: "checkout", default: "classic", rules: [{ when: { plan: "pro" }, value: "one-page" }] }],
};

let folder;
let site;
let worker;
let browser;
// How the Worker's own paths answer.
let status = 200;
let batches = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "splitlight-sdk-"));
  mkdirSync(join(folder, "node_modules"));
  cpSync(join(out, "sdk"), join(folder, "node_modules/splitlight"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const published = publish(config);
  site = { ...published.site, program: Buffer.from(published.program).toString("base64") };
  worker = await listen((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const parts = [];
    request.on("data", (chunk) => parts.push(chunk)).on("end", () => {
      const allow = { "access-control-allow-origin": "*" };
      if (pathname === "/_sl/program") {
        const cache = status === 200 ? "public, max-age=0" : "no-store";
        response.writeHead(status, { ...allow, "content-type": "application/json", "cache-control": cache });
        response.end(status === 200 ? JSON.stringify(site) : "no");
      } else if (pathname === "/_sl/e") {
        batches.push(JSON.parse(Buffer.concat(parts)));
        response.writeHead(200, allow).end("{}");
      } else if (part(pathname)) response.writeHead(200, { ...allow, "content-type": "text/javascript" }).end(part(pathname));
      else if (pathname === "/app.js") response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(readFileSync(join(folder, "app.js")));
      else response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html><title>t</title><h1>Original</h1>");
    });
  });
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => {
  [status, batches] = [200, []];
});

after(async () => {
  await browser?.close();
  worker?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Runs a module that has the package installed, and gives what it prints. */
const node = async (source) => {
  writeFileSync(join(folder, "main.js"), source);
  const { stdout } = await promisify(execFile)(process.execPath, ["main.js"], { cwd: folder });
  return JSON.parse(stdout);
};

/** One file from a module that imports the package, as a site's bundler makes it. */
const bundle = (source, conditions, name) => {
  writeFileSync(join(folder, "entry.js"), source);
  const [platform] = readdirSync(join(bin, "@esbuild"));
  execFileSync(join(bin, "@esbuild", platform, "bin/esbuild"), ["entry.js", "--bundle", "--format=esm", `--conditions=${conditions}`,
    "--log-level=error", "--minify-syntax", "--external:./splitlight.wasm", "--charset=utf8", `--outfile=${name}`], { cwd: folder });
  return readFileSync(join(folder, name));
};

const DECIDE = `
  const { ok, source, decide } = await load({ api: API });
  const answer = decide({ id: "v-7", url: "https://shop.test/?utm_source=mail", attributes: { plan: "pro", geo: { city: "Madrid" } } }, 7);
  const found = [ok, source, answer.decisions().map(({ key, variation, reason }) => [key, variation, reason]), answer.feature("checkout", "x"),
    answer.variation("none", "fallback"), answer.explain("local").gates.map(({ open }) => open === true)];`;
const EXPECTED = [true, "network",
  [["hero", "bold", "assigned"], ["split", "b", "assigned"], ["local", "y", "assigned"], ["mobile", "y", "assigned"], ["fans", "holdout", "audience"]],
  "one-page", "fallback", [true, true, true, true, true, true, true]];

const agree = (found) => {
  const [ok, source, decisions, ...rest] = found;
  assert.deepEqual([ok, source, ...rest], [EXPECTED[0], EXPECTED[1], ...EXPECTED.slice(3)]);
  // Which half of the split is the hash's business, and the same everywhere.
  decisions[1][1] = EXPECTED[2][1][1];
  assert.deepEqual(decisions, EXPECTED[2]);
};

let inNode;

test("in Node the package decides for visitors, and what is meant for a page answers its fallbacks", async () => {
  inNode = await node(`import { load, splitlight } from "splitlight"; const API = "${worker.origin}/_sl"; ${DECIDE}
    const outcome = await splitlight.init({ key: "k" });
    console.log(JSON.stringify({ found, ssr: [outcome.ok, String(outcome.error), splitlight.variation("hero", "x"), splitlight.decisions()] }));`);
  agree(structuredClone(inNode.found));
  assert.equal(inNode.ssr[0], false);
  assert.match(inNode.ssr[1], /no page on a server/);
  assert.deepEqual(inNode.ssr.slice(2), ["x", []]);
});

test("without the Worker a server answers fallbacks and says why", async () => {
  status = 500;
  const found = await node(`import { load } from "splitlight";
    const { ok, source, error, decide } = await load({ api: "${worker.origin}/_sl" });
    const answer = decide({ id: "v" });
    console.log(JSON.stringify([ok, source, error.message, answer.variation("hero", "x"), answer.feature("checkout", 1), answer.decisions(), (await load()).error.message]));`);
  assert.deepEqual([found[0], found[1], ...found.slice(3, 6)], [false, "none", "x", 1, []]);
  assert.match(found[2], /answered 500/);
  assert.match(found[6], /needs `api`/);
});

test("in a Worker it decides as in Node", async () => {
  const code = bundle(`import { load } from "splitlight";
    export default { async fetch(request) { const { api, site } = await request.json(); const API = api; ${DECIDE.replace("{ api: API }", "{ site }")} return Response.json(found); } };`,
  "workerd", "worker.js");
  const server = await serve({
    files: { "worker.js": code, "splitlight.wasm": readFileSync(join(out, "sdk/dist/splitlight.wasm")) },
    services: `(name = "main", worker = (compatibilityDate = "${DATE}", modules = [
      (name = "worker.js", esModule = embed "worker.js"), (name = "splitlight.wasm", wasm = embed "splitlight.wasm")]))`,
    sockets: { main: "main" },
  });
  try {
    const response = await fetch(server.base.main, { method: "POST", body: JSON.stringify({ api: "", site }) });
    const found = await response.json();
    assert.equal(found[1], "given");
    assert.deepEqual([found[0], ...found.slice(2)], [inNode.found[0], ...inNode.found.slice(2)]);
  } finally {
    await server.stop();
  }
});

async function open() {
  bundle(`import { splitlight } from "splitlight"; window.sdk = splitlight;`, "browser", "app.js");
  const context = await browser.newContext();
  const watched = await watch(context);
  await watched.page.goto(`${worker.origin}/`);
  await watched.page.addScriptTag({ url: "/app.js", type: "module" });
  return { ...watched, context };
}

test("in a page it does nothing until it is asked, and then what the script tag does", async () => {
  const { page, all, context } = await open();
  assert.deepEqual(await page.evaluate(() => [typeof window.splitlight, document.cookie, sdk.variation("hero", "x"), sdk.decisions()]),
    ["undefined", "", "x", []]);
  assert.equal(await page.evaluate(() => {
    window.calls = 0;
    sdk.onChange(() => window.calls++);
    sdk.track("early", { a: 1 });
    sdk.setAttributes({ plan: "pro" });
    return sdk.init({ key: "sl_write_x" }).then(({ ok, source }) => `${ok} ${source}`);
  }), "true script");
  assert.equal(await page.locator("h1").textContent(), "Bold");
  assert.deepEqual(await page.evaluate(() => [sdk.variation("hero"), sdk.feature("checkout"), sdk.content("banner", "none")]), ["bold", "one-page", "none"]);
  await until(() => batches.flatMap(({ events }) => events).some(({ name }) => name === "early"));
  assert.equal(batches[0].key, "sl_write_x");
  assert.equal((await page.evaluate(() => sdk.explain("local"))).reason, "audience");
  assert.ok(await page.evaluate(() => window.calls) > 0);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("the last good program is used for a day where the Worker is in trouble, and without one the page stays", async () => {
  const { page, all, context } = await open();
  await page.evaluate(() => sdk.init({ key: "k" }));
  status = 500;
  await page.reload();
  await page.addScriptTag({ url: "/app.js", type: "module" });
  assert.equal((await page.evaluate(() => sdk.init({ key: "k" }))).ok, true);
  assert.equal(await page.locator("h1").textContent(), "Bold");
  assert.deepEqual(await all(), []);
  await context.close();
  const fresh = await open();
  const { ok, source } = await fresh.page.evaluate(() => sdk.init({ key: "k" }));
  assert.deepEqual([ok, source], [false, "none"]);
  assert.equal(await fresh.page.evaluate(() => sdk.variation("hero", "x")), "x");
  assert.equal(await fresh.page.evaluate(() => localStorage.length), 0);
  await sleep(100);
  assert.equal(await fresh.page.locator("h1").textContent(), "Original");
  assert.deepEqual(await fresh.all(), []);
  await fresh.context.close();
});

test("what is kept of the program is kept with consent only", async () => {
  const { page, context } = await open();
  await page.evaluate(() => sdk.init({ key: "k", consent: "pending" }));
  assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
  await page.evaluate(() => sdk.consent("granted"));
  assert.equal(await page.evaluate(() => JSON.parse(localStorage.getItem("sl.site")).base), "/_sl");
  await page.evaluate(() => sdk.consent("denied"));
  assert.equal(await page.evaluate(() => localStorage.getItem("sl.site")), null);
  await context.close();
});

test("a test of a site sets the clock, the place and the variations, and reads what was recorded", async () => {
  const found = await node(`import { createTest } from "splitlight/testing";
    const sl = createTest({ site: ${JSON.stringify(site)}, now: "2026-11-02T10:00:00Z", geo: { city: "Paris" } });
    const steps = [sl.variation("local", "none"), sl.peek("local")];
    sl.setGeo({ city: "Madrid" }); steps.push(sl.variation("local"));
    sl.forceVariation("hero", "control"); steps.push(sl.variation("hero"));
    sl.forceVariation("hero", null); steps.push(sl.variation("hero"), sl.variation("hero"));
    const fan = () => sl.decisions().find(({ key }) => key === "fans").reason;
    steps.push(fan()); sl.track("view"); sl.track("view", { a: 1, value: 5 }); steps.push(fan());
    sl.advance(3 * 86400000); steps.push(fan());
    sl.visit("/?utm_source=mail"); steps.push(sl.peek("mobile"));
    sl.consent("denied"); sl.track("gone"); steps.push(sl.history.export().events.length);
    const errors = [() => sl.forceVariation("hero", "x"), () => sl.forceVariation("x", "y"), () => sl.setTime("soon"), () => createTest({})]
      .map((use) => { try { use(); } catch (error) { return error.message; } });
    console.log(JSON.stringify({ steps, errors, events: sl.events }));`);
  assert.deepEqual(found.steps, ["x", "x", "y", "control", "bold", "bold", "audience", "assigned", "audience", "y", 0]);
  assert.match(found.errors[0], /no variation "x": it knows control, bold/);
  assert.match(found.errors[1], /no item "x"/);
  assert.match(found.errors[2], /no time/);
  assert.match(found.errors[3], /needs `site`/);
  const time = Date.parse("2026-11-02T10:00:00Z");
  assert.deepEqual(found.events, [
    { kind: "exposure", experiment: "local", variation: "y", time },
    { kind: "exposure", experiment: "hero", variation: "bold", time },
    { kind: "conversion", name: "view", value: null, properties: {}, time },
    { kind: "conversion", name: "view", value: 5, properties: { a: 1 }, time },
  ]);
});

test("the examples of the documentation fit the types", () => {
  cpSync(join(root, "www/sdk/examples"), join(folder, "examples"), { recursive: true });
  const tsc = join(bin, "typescript/bin/tsc");
  assert.ok(existsSync(tsc), "typescript is not installed: run `cargo xtask setup`");
  const files = { "browser.ts": "browser", "server.ts": "node", "testing.ts": "browser" };
  for (const [file, condition] of Object.entries(files)) {
    const options = ["--customConditions", condition, "-p", "examples"];
    writeFileSync(join(folder, "examples/tsconfig.json"), JSON.stringify({
      ...JSON.parse(readFileSync(join(root, "www/sdk/examples/tsconfig.json"), "utf8")), files: [file] }));
    const child = spawnSync(process.execPath, [tsc, ...options], { cwd: folder, encoding: "utf8" });
    assert.equal(child.stdout, "", file);
    assert.equal(child.status, 0, file);
  }
});
