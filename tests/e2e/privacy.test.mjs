// Before consent nothing is kept and nothing names a visitor; a refusal takes everything away at once.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const WIPED_MS = 100;
const LATE_MS = 300;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

const config = {
  version: 1,
  project: "shop",
  experiments: [{ key: "hero", status: "running", variations: [
    { key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] },
    { key: "even", status: "running", variations: [{ key: "a" }, { key: "b", changes: [{ selector: "#fans", class: { add: ["b"] } }] }] }],
  personalizations: [{ key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 1 } } },
    changes: [{ selector: "#fans", text: "Fan" }] }],
  features: [{ key: "checkout", default: "a", rules: [{ run: { key: "kept", sticky: true, variations: [
    { key: "a", weight: 0, value: "a" }, { key: "b", weight: 1, value: "b" }] } }] }],
};

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [], partsAfter: 0 }));

after(async () => {
  await browser?.close();
  site?.close();
});

/** A page with these attributes on the tag and this before it. */
async function open(attributes, { before: head = "", init } = {}) {
  site.page = () => `<!doctype html><html><head><title>t</title>${head}
    <script src="/_sl/sl.js" data-key="k" ${attributes}></script></head>
    <body><h1>Original</h1><p id="fans">None</p></body></html>`;
  const context = await browser.newContext();
  const watched = await watch(context, init);
  await watched.page.goto(`${site.origin}/`);
  // Cookies as the browser says, whatever the page may see of them.
  const kept = async () => {
    const cookies = (await context.cookies()).map(({ name }) => name);
    const stored = await watched.page.evaluate(async () => [
      ...Object.keys(localStorage), ...Object.keys(sessionStorage),
      ...(await indexedDB.databases()).map(({ name }) => name),
    ]);
    return [...cookies, ...stored].sort();
  };
  return { ...watched, context, kept };
}

const use = (page) =>
  page.evaluate(() => {
    splitlight.track("view");
    splitlight.identify("someone");
    splitlight.feature("checkout");
    splitlight.variation("hero");
  });

test("the id is written once the page was decided, however soon the page is left", async () => {
  // The page never has a moment.
  const { page, context, all } = await open("", { init: () => (window.requestIdleCallback = () => 0) });
  const id = await page.evaluate(() => splitlight.visitorId());
  const written = async () => (await context.cookies()).find(({ name }) => name === "sl_id")?.value;
  assert.match(id, UUID);
  assert.equal(await written(), undefined);
  await page.goto(`${site.origin}/next`);
  assert.equal(await page.evaluate(() => splitlight.visitorId()), id);
  assert.equal(await written(), id);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("while consent is pending there is no cookie, no storage and no id on the wire", async () => {
  const { page, kept, all, context } = await open('data-consent="pending"');
  await use(page);
  await page.evaluate(() => history.pushState(null, "", "/next"));
  await sleep(400);
  assert.deepEqual(await kept(), []);
  assert.deepEqual(site.batches, []);
  for (const { url, headers, body } of site.requests) {
    assert.ok(!headers.cookie && !UUID.test(url + body), `${url} ${headers.cookie}`);
  }
  assert.equal(await page.evaluate(() => splitlight.visitorId()), null);
  assert.deepEqual(await all(), []);
  // The same page sees all of it once there is consent, so that the assertions above can fail.
  await page.evaluate(() => splitlight.consent("granted"));
  await use(page);
  await until(() => site.batches.length > 0);
  const names = await kept();
  for (const name of ["sl_id", "sl_consent", "sl_sticky", "sl.session", "sl.history", "sl.seen", "splitlight"]) {
    assert.ok(names.includes(name), `${name} is not among ${names}`);
  }
  assert.match(site.requests.at(-1).body, UUID);
  await context.close();
});

test("who was not asked yet sees a variation of this page alone, which stays and counts once they agree", async () => {
  const seen = new Set();
  for (let round = 0; seen.size < 2 && round < 40; round++) {
    site.batches = [];
    const { page, kept, all, context } = await open('data-consent="pending"');
    const shown = () => page.evaluate(() => splitlight.decisions().find(({ key }) => key === "even").variation);
    const before = await shown();
    assert.equal(await page.locator("h1").textContent(), "Bold");
    assert.deepEqual(await kept(), []);
    if (!seen.has(before)) {
      await page.evaluate(() => splitlight.consent("granted"));
      assert.equal(await shown(), before);
      await until(() => site.events().some(({ experiment }) => experiment === "hero"));
      const exposed = site.events().filter(({ experiment }) => experiment === "even");
      assert.deepEqual(exposed.map(({ variation }) => variation), [before]);
      assert.equal(site.batches[0].visitor, await page.evaluate(() => splitlight.visitorId()));
      await page.reload();
      assert.equal(await shown(), before);
    }
    seen.add(before);
    assert.deepEqual(await all(), []);
    await context.close();
  }
  assert.equal(seen.size, 2, "chance decides");
});

test("who agrees to measurement alone is counted, and nothing is remembered of what they do", async () => {
  const { page, kept, all, context } = await open('data-consent="pending"');
  await page.evaluate(() => splitlight.consent("measurement"));
  await use(page);
  await until(() => site.events().some(({ name }) => name === "view"));
  assert.ok(site.batches.every(({ consent }) => consent === "measurement"));
  const names = await kept();
  for (const name of ["sl_id", "sl_sticky", "sl.session"]) assert.ok(names.includes(name), `${name} is not among ${names}`);
  assert.ok(!names.includes("sl.history"));
  await page.reload();
  assert.deepEqual(await page.evaluate(() => splitlight.decisions().map(({ key, reason }) => `${key} ${reason}`)),
    ["hero assigned", "even assigned", "kept sticky", "fans audience"]);
  assert.equal(await page.locator("#fans").textContent(), "None");
  assert.deepEqual(await all(), []);
  await context.close();
});

test("who agrees to personalization alone sees it, and nothing is sent", async () => {
  const { page, kept, all, context } = await open("");
  await use(page);
  await until(() => site.batches.length > 0);
  await page.evaluate(() => splitlight.consent("personalization"));
  await until(async () => (await kept()).join() === "sl.history,sl_consent,sl_id");
  site.requests.length = 0;
  await page.reload();
  await until(async () => (await page.locator("#fans").textContent()) === "Fan");
  assert.equal(await page.locator("h1").textContent(), "Original");
  await use(page);
  await sleep(300);
  assert.equal(await page.evaluate(() => splitlight.decisions().find(({ key }) => key === "hero").reason), "no_consent");
  assert.deepEqual(await kept(), ["sl.history", "sl_consent", "sl_id"]);
  assert.deepEqual(site.requests.filter(({ body }) => body), []);
  assert.deepEqual(await all(), []);
  await context.close();
});

test(`a refusal leaves nothing but itself within ${WIPED_MS} ms`, async () => {
  const took = [];
  // A busy machine only adds to it, so that one time of three has to be short enough.
  for (let round = 0; round < 3 && !(took.at(-1) < WIPED_MS); round++) {
    const { page, kept, all, context } = await open("");
    await use(page);
    await until(() => site.batches.length > 0);
    await sleep(300);
    // In the page, because asking from outside takes longer than the bar.
    took.push(await page.evaluate(async () => {
      const began = performance.now();
      splitlight.consent("denied");
      const left = async () =>
        localStorage.length + sessionStorage.length + (document.cookie !== "sl_consent=denied") +
        (await indexedDB.databases()).length;
      while (await left()) if (performance.now() - began > 3000) return Infinity;
      return performance.now() - began;
    }));
    assert.deepEqual(await kept(), ["sl_consent"]);
    const before = site.requests.length;
    await use(page);
    await sleep(300);
    assert.equal(site.requests.length, before, "nothing is sent any more");
    assert.deepEqual(await all(), []);
    await context.close();
    site.batches = [];
  }
  assert.ok(took.at(-1) < WIPED_MS, `it took ${took} ms`);
});

test("Global Privacy Control and Do Not Track count where the site says so", async () => {
  const signal = () => {
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
    Object.defineProperty(navigator, "doNotTrack", { value: "1" });
  };
  for (const [attributes, expected] of [["", 1], ['data-signals="gpc"', 0], ['data-signals="dnt"', 0]]) {
    const { page, kept, context } = await open(attributes, { init: signal });
    await use(page);
    assert.equal((await kept()).filter((name) => name === "sl_id").length, expected, attributes);
    await context.close();
  }
});

test("an answer to IAB TCF 2.2 is an answer to us", async () => {
  const stub = `<script>
    window.__tcfapi = (command, version, listener) => (window.tell = (status, consents) =>
      listener({ eventStatus: status, gdprApplies: true, purpose: { consents } }, true));
  </script>`;
  site.partsAfter = LATE_MS;
  const { page, kept, all, context } = await open('data-signals="tcf"', { before: stub });
  await use(page);
  await page.waitForFunction(() => window.tell);
  assert.deepEqual(await kept(), [], "nobody has answered");
  await page.evaluate(() => tell("cmpuishown", { 1: true, 6: true, 8: true }));
  assert.deepEqual(await kept(), [], "the question is on the screen");
  await page.evaluate(() => tell("useractioncomplete", { 1: true, 6: true, 8: true }));
  assert.ok((await kept()).includes("sl_id"));
  assert.equal(await page.locator("h1").textContent(), "Bold");
  await page.evaluate(() => tell("useractioncomplete", { 1: true, 8: true }));
  await until(async () => !(await kept()).includes("sl.history"));
  assert.ok((await kept()).includes("sl_id"), "measurement is still agreed to");
  await page.evaluate(() => tell("useractioncomplete", { 6: true, 8: true }));
  await until(async () => (await kept()).join() === "sl_consent");
  assert.deepEqual(await all(), []);
  await context.close();
});

test("Google Consent Mode's updates are answers to us, before and after the script", async () => {
  const gtag = (rest) => `<script>
    window.dataLayer = window.dataLayer || [];
    function gtag() { dataLayer.push(arguments); }
    gtag("consent", "default", { analytics_storage: "denied", ad_storage: "denied" });${rest}
  </script>`;
  // What hears the answers is a part of the script, and may come long after the page.
  site.partsAfter = LATE_MS;
  const { page, kept, all, context } = await open('data-signals="gcm"', { before: gtag("") });
  await use(page);
  await page.waitForFunction(() => Object.hasOwn(dataLayer, "push"));
  assert.deepEqual(await kept(), [], "a default is no answer");
  await page.evaluate(() => gtag("consent", "update", { analytics_storage: "granted" }));
  assert.ok((await kept()).includes("sl_id"));
  await page.evaluate(() => gtag("consent", "update", { analytics_storage: "denied" }));
  await until(async () => (await kept()).join() === "sl_consent");
  assert.equal(await page.evaluate(() => dataLayer.length), 3, "the layer is the page's as it was");
  assert.deepEqual(await all(), []);
  await context.close();
  const earlier = await open('data-signals="gcm"', { before: gtag('gtag("consent", "update", { analytics_storage: "granted" });') });
  await until(async () => (await earlier.kept()).includes("sl_id"));
  await earlier.context.close();
});
