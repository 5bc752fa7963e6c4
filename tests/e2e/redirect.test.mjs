// Variations that are another page: never round in circles, never where the site did not say, and nothing seen or lost meanwhile.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { buildSync } from "esbuild";
import { chromium } from "playwright-core";
import { folder as attacks } from "../attacks.mjs";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

// Where a visitor who stays sees the page again.
const STAY_MS = 2_000;
const root = new URL("../..", import.meta.url).pathname;

const from = (key, path, to) => ({ key, pages: [{ include: path }], variations: [
  { key: "control", weight: 0 }, { key: "go", weight: 1, redirect: { to } }] });
const config = (elsewhere) => ({
  version: 1,
  project: "shop",
  experiments: [
    from("there", "/there", "/back"), from("back", "/back", "/there"),
    from("one", "/one", "/two"), from("two", "/two", "/three"), from("three", "/three", "/one"),
    from("move", "/old", "/new#part"), from("file", "/page", "/file"), from("away", "/away", elsewhere),
    { key: "hero", pages: [{ include: "/away" }], variations: [
      { key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] }],
});

let site;
let other;
let browser;

before(async () => {
  site = await openSite("");
  other = await openSite("");
  // Another host that is the same machine.
  other.origin = other.origin.replace("127.0.0.1", "localhost");
  site.script = scriptFor(config(`${other.origin}/landing`));
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => {
  Object.assign(site, { batches: [], requests: [], collector: 200, parts: true, partsAfter: 0 });
  Object.assign(other, { requests: [], page: () => "<!doctype html><title>Landing</title><h1>Landing</h1>" });
});

after(async () => {
  await browser?.close();
  site?.close();
  other?.close();
});

/** A page of the site, and which originals somebody saw of the pages on the way. */
async function open(path, { tag = TAG, wait = "commit", context, consent } = {}) {
  site.page = (at) => `<!doctype html><html><head><title>t</title>${consent ? tag.replace(" data-key", ` data-consent="${consent}" data-key`) : tag}</head>
    <body><h1>Page ${at}</h1>${"<p>Text</p>".repeat(50)}</body></html>`;
  const own = context ?? await browser.newContext();
  const seen = [];
  await own.exposeBinding("saw", (_, text) => seen.push(text)).catch(() => {});
  const watched = await watch(own, () => {
    const look = () => {
      const headline = document.querySelector("h1");
      if (headline && getComputedStyle(headline).visibility === "visible") saw(headline.textContent);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await watched.page.goto(site.origin + path, { waitUntil: wait }).catch(() => {});
  return { ...watched, context: own, seen };
}

const met = () => site.events().filter(({ kind }) => kind === "exposure").map(({ experiment }) => experiment).sort();
const loads = (path) => site.requests.filter(({ url }) => url === path).length;
const reason = (page, key) => page.evaluate((it) => splitlight.decisions().find(({ key }) => key === it).reason, key);

test("nobody sees the page that is left, and what was met arrives once though the collector was down", async () => {
  site.collector = 0;
  site.partsAfter = 300;
  const { page, all, context, seen } = await open("/old");
  await page.waitForURL(`${site.origin}/new#part`);
  await page.waitForLoadState();
  site.collector = 200;
  await sleep(100);
  assert.ok(!seen.includes("Page /old"), "the page that was left was seen");
  assert.ok(seen.includes("Page /new"));
  await page.reload();
  await until(() => met().length === 1, 10_000);
  await sleep(1500);
  assert.deepEqual(met(), ["move"]);
  assert.equal(loads("/old"), 1);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("two pages that lead to each other: one step, and only that is counted", async () => {
  const { page, all, warnings, context } = await open("/there");
  await page.waitForURL(`${site.origin}/back`);
  await until(() => warnings.length === 1);
  await sleep(1500);
  assert.deepEqual([loads("/there"), loads("/back")], [1, 1]);
  assert.deepEqual(met(), ["there"]);
  assert.equal(await reason(page, "back"), "blocked");
  assert.match(warnings[0], /stays here: .*\/there leads back/);
  assert.equal(await page.locator("h1").isVisible(), true);
  // Who comes back later is sent again.
  await page.goto(`${site.origin}/there`, { waitUntil: "commit" });
  await page.waitForURL(`${site.origin}/back`);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("three pages in a circle end before the first one", async () => {
  const { page, all, context } = await open("/one");
  await page.waitForURL(`${site.origin}/three`);
  await sleep(1000);
  assert.deepEqual([loads("/one"), loads("/two"), loads("/three")], [1, 1, 1]);
  assert.deepEqual(met(), ["one", "two"]);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("another host has to be allowed, by the tag or by the Worker; if it is not, the page is the page and nothing is counted", async () => {
  const stays = await open("/away");
  await until(() => stays.warnings.length === 1);
  assert.match(stays.warnings[0], /localhost:\d+ is not among the redirect hosts/);
  assert.equal(await reason(stays.page, "away"), "blocked");
  await until(() => met().length === 1);
  assert.deepEqual(met(), ["hero"], "what else is on the page counts");
  assert.equal(await stays.page.locator("h1").textContent(), "Bold");
  // Deciding again neither tries again nor hides the page again.
  assert.equal(await stays.page.evaluate(() => {
    splitlight.setAttributes({ a: 1 });
    return document.documentElement.style.visibility;
  }), "");
  assert.equal(stays.warnings.length, 1);
  assert.deepEqual(await stays.all(), []);
  await stays.context.close();
  assert.equal(other.requests.length, 0);

  const { script } = site;
  for (const [name, tag, served] of [
    ["the tag", TAG.replace(" data-key", ' data-redirect-hosts="a.test, localhost" data-key'), script],
    ["the Worker", TAG, script.replace('"config":', '"redirectHosts":["localhost"],"config":')],
  ]) {
    assert.ok(name === "the tag" || served !== script);
    Object.assign(site, { script: served, batches: [] });
    const goes = await open("/away", { tag });
    await goes.page.waitForURL(`${other.origin}/landing`);
    await until(() => met().includes("away"));
    assert.ok(!goes.seen.includes("Page /away"), name);
    await goes.context.close();
  }
  site.script = script;
});

test("without its part the page is there, and somebody who stays sees it", async () => {
  site.parts = false;
  const none = await open("/old");
  await until(() => none.seen.includes("Page /old"), 500);
  assert.equal(await reason(none.page, "move"), "blocked");
  await sleep(300);
  assert.deepEqual(met(), []);
  assert.deepEqual(await none.all(), []);
  await none.context.close();
  site.parts = true;
  site.partsAfter = 60_000;
  const began = Date.now();
  const slow = await open("/old", { wait: "domcontentloaded" });
  await until(() => slow.seen.includes("Page /old"));
  assert.ok(Date.now() - began < STAY_MS + 1500);
  assert.deepEqual(await slow.all(), []);
  await slow.context.close();
});

test("a download leaves the visitor on the page, once", async () => {
  const { page, all, context, seen } = await open("/page", { wait: "commit" });
  await context.route("**/file", (route) =>
    route.fulfill({ headers: { "content-disposition": "attachment; filename=x.txt" }, body: "x" }));
  await until(() => seen.includes("Page /page"));
  await page.evaluate(() => splitlight.setAttributes({ a: 1 }));
  await sleep(300);
  assert.equal(await page.evaluate(() => document.documentElement.style.visibility), "");
  await until(() => met().length === 1);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("nobody is sent anywhere before they agree", async () => {
  const { page, context } = await open("/old", { consent: "pending" });
  await sleep(500);
  assert.equal(page.url(), `${site.origin}/old`);
  await context.close();
});

/** Addresses that want to lead elsewhere; more of them where a collection is at hand. */
const hostile = () => {
  const folder = join(attacks ?? "", "PayloadsAllTheThings/Open Redirect/Intruder");
  const files = attacks && existsSync(folder) ? readdirSync(folder) : [];
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  return ["/own", "//evil.test", "/\\evil.test", "\\\\evil.test", "https:evil.test", "https:/evil.test", "///evil.test", "/\t/evil.test",
    "https://127.0.0.1@evil.test/", "https://127.0.0.1.evil.test", "http://evil.test#@127.0.0.1", "javascript:alert(1)",
    "java\nscript:alert(1)", "data:text/html,x", "blob:x", "file:///etc/passwd", "http://localhost.evil.test/", "http://evil.test/localhost",
    "https://localhost/", "http://allowed.test.", "http://[::1]/", ...lines];
};

test("no spelling of an address leads off the list", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${other.origin}/`);
  const entry = join(root, "www/loader/parts/leave.js");
  const source = buildSync({ entryPoints: [entry], bundle: true, format: "esm", write: false }).outputFiles[0].text;
  const tried = hostile();
  const gone = await page.evaluate(async ([code, addresses]) => {
    const { default: leave } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const found = [];
    for (const address of addresses) {
      let there;
      try {
        there = new URL(address.replaceAll("{payload}", "evil.test"), location.href);
      } catch {
        continue;
      }
      const device = { consent: "granted", session: () => ({}) };
      // What would count it ends it here.
      const meet = () => { throw new Error("went"); };
      try {
        await leave([, { redirectHosts: "allowed.test" }, , {}, , device], there.href, meet);
      } catch (error) {
        if (error.message === "went") found.push(there.href);
      }
    }
    return found;
  }, [source, tried]);
  const off = gone.filter((address) => new URL(address).origin !== other.origin);
  assert.deepEqual(off, []);
  assert.ok(gone.length > 0, "some are pages of the site, so that the test sees who goes");
  console.log(`${tried.length} addresses, ${gone.length} of them pages of the site`);
  await context.close();
});
