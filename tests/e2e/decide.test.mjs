// The decide-only build inside a page: the answers are there before any script of ours is loaded, and stay the same.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, decideFor, executablePath, openSite, scriptFor, until, watch } from "./tag.mjs";

const halves = [{ key: "control" }, { key: "low", value: 9 }];
const config = {
  version: 1, project: "shop",
  audiences: [{ key: "pros", when: { plan: { $in: ["pro", "team"] } } }],
  experiments: [
    { key: "price", when: { $audience: "pros" }, variations: halves },
    { key: "seats", when: { seats: { $gte: 5 }, plan: "pro" }, variations: halves },
    { key: "others", when: { plan: "free" }, variations: halves },
    { key: "cart", pages: [{ include: "/cart" }], variations: halves },
    { key: "hero", variations: [{ key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] },
    { key: "browsing", when: { browser: { $ne: "firefox" }, device: "desktop", path: "/" }, variations: halves },
    { key: "regulars", when: { $history: { event: "view", within: "30d", count: { $gte: 0 } } }, variations: halves },
    { key: "lists", when: { tags: { $in: ["x"] } }, variations: halves },
  ],
  personalizations: [
    { key: "welcome", slot: "top", priority: 1, when: { plan: "free" }, value: "Hello" },
    { key: "thanks", slot: "top", priority: 2, when: { plan: "pro" }, value: "Thanks" },
  ],
};
const CONFIG = '<script>window.splitlight_config = { attributes: { plan: "pro", seats: 7, tags: ["x"] } };</script>';
const LATE = TAG.replace("<script", "<script async");
const READ = `<script>window.early = Object.fromEntries(${JSON.stringify([...config.experiments, ...config.personalizations].map(({ key }) => key))}
  .map((key) => [key, key === "price" ? splitlight.variation(key, "none") : splitlight.peek(key, "none")]));</script>`;

let site;
let browser;
let decider;

before(async () => {
  site = await openSite(scriptFor(config));
  decider = decideFor(config);
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => {
  Object.assign(site, { batches: [], requests: [], headers: {} });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** A page with the build inside, what is before it and what is after it. */
async function open({ head = "", tail = LATE, policy } = {}) {
  site.headers = policy ? { "content-security-policy": policy } : {};
  site.page = () =>
    `<!doctype html><html><head><title>t</title>${CONFIG}${head}<script>${decider}</script>${READ}${tail}</head><body><h1>Old</h1></body></html>`;
  const context = await browser.newContext();
  const watched = await watch(context);
  await watched.page.goto(`${site.origin}/`);
  return { ...watched, context, early: await watched.page.evaluate(() => window.early) };
}

test("is read before any script of ours is there, and the script goes on with it", async () => {
  const { page, context, early, all, warnings } = await open();
  const { id, late, source } = await page.evaluate(async () => {
    while (!window.splitlight.version) await new Promise((resolve) => setTimeout(resolve, 10));
    const { source } = await splitlight.init();
    const late = Object.fromEntries(Object.keys(window.early).map((key) => [key, splitlight.peek(key, "none")]));
    return { id: splitlight.visitorId(), late, source };
  });
  // What needs more than little code is not told before.
  assert.deepEqual([early.regulars, early.lists], ["none", "none"]);
  assert.deepEqual([late.regulars, late.lists].map((key) => key === "none"), [false, false]);
  assert.deepEqual({ ...early, regulars: 0, lists: 0 }, { ...late, regulars: 0, lists: 0 });
  assert.deepEqual([early.hero, early.others, early.cart, early.welcome, early.thanks].map(String), ["bold", "control", "control", "none", "shown"]);
  assert.equal(source, "edge");
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Bold");
  await until(() => site.events().length >= 3);
  const [cookie] = (await context.cookies()).filter(({ name }) => name === "sl_id");
  assert.equal(cookie.value, id);
  // What was read, what was seen and what is in force, each once; nothing else was met.
  const met = site.events().map(({ kind, experiment, variation }) => [kind, experiment, variation]).toSorted();
  assert.deepEqual(met, [["exposure", "hero", "bold"], ["exposure", "price", early.price], ["exposure", "thanks", "shown"]]);
  assert.ok(site.batches.every(({ visitor }) => visitor === id));
  assert.deepEqual([await all(), warnings], [[], []]);
  await context.close();
});

test("decides for every visitor as the script does", async () => {
  const { page, context } = await open({ tail: "" });
  const visitors = await page.evaluate(async ([decider, script]) => {
    const found = [];
    for (let at = 0; at < 100; at++) {
      document.cookie = `sl_id=visitor-${at}; Path=/`;
      document.querySelector("#splitlight-handover")?.remove();
      delete window.splitlight;
      (0, eval)(decider);
      const element = document.querySelector("#splitlight-handover");
      const ours = JSON.parse(element.textContent).decisions.map(({ key, variation, reason }) => [key, variation, reason]);
      element.remove();
      delete window.splitlight;
      (0, eval)(script);
      await splitlight.init();
      const theirs = new Map(splitlight.decisions().map(({ key, variation, reason }) => [key, [key, variation, reason]]));
      splitlight.destroy();
      found.push([ours, ours.map(([key]) => theirs.get(key))]);
    }
    return found;
  }, [decider, site.script]);
  for (const [ours, theirs] of visitors) assert.deepEqual(ours, theirs);
  const prices = visitors.map(([ours]) => ours.find(([key]) => key === "price")[1]);
  assert.deepEqual([...new Set(prices)].toSorted(), ["control", "low"]);
  await context.close();
});

for (const [what, head] of [
  ["an answer is awaited", "<script>splitlight_config.consent = 'pending'</script>"],
  ["the answer was no", "<script>document.cookie = 'sl_consent=denied; Path=/'</script>"],
  ["the browser asks for privacy", "<script>splitlight_config.signals = 'gpc'; Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })</script>"],
]) {
  test(`tells and keeps nothing where ${what}`, async () => {
    const { page, context, early, all } = await open({ head, tail: "" });
    assert.deepEqual([...new Set(Object.values(early))], ["none"]);
    const cookies = (await context.cookies()).map(({ name }) => name).filter((name) => name !== "sl_consent");
    assert.deepEqual([cookies, await page.evaluate(() => localStorage.length), await all()], [[], 0, []]);
    await context.close();
  });
}

test("decides for who agreed to measurement only", async () => {
  const { context, early } = await open({ head: "<script>splitlight_config.consent = 'measurement'</script>", tail: "" });
  assert.equal(early.hero, "bold");
  await context.close();
});

test("says what the edge has decided where it has", async () => {
  const decisions = [{ key: "price", variation: "low", reason: "assigned", left: [] }, { key: "hero", variation: "control", reason: "coverage", left: [] }];
  const head = `<script type="application/json" id="splitlight-handover">${JSON.stringify({ decisions })}</script>`;
  const { context, early } = await open({ head, tail: "" });
  assert.deepEqual([early.price, early.hero, early.seats], ["low", "none", "none"]);
  assert.deepEqual(await context.cookies(), []);
  await context.close();
});

test("answers fallbacks where wasm is refused, and the script decides by JavaScript", async () => {
  const { page, context, early, all, warnings } = await open({ policy: "script-src 'self' 'unsafe-inline'" });
  assert.deepEqual([...new Set(Object.values(early))], ["none"]);
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Bold");
  assert.deepEqual(await all(), []);
  assert.equal(warnings.filter((warning) => /Splitlight could not decide/.test(warning)).length, 1);
  await context.close();
});

test("is clean under Trusted Types", async () => {
  const policy = "require-trusted-types-for 'script'; trusted-types 'none'";
  const { context, early, all, warnings } = await open({ policy });
  assert.equal(early.hero, "bold");
  assert.deepEqual([await all(), warnings], [[], []]);
  await context.close();
});
