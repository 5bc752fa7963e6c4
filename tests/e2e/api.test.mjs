// What a site's own code can ask and tell, and whom it counts.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const changed = (selector) => [{ selector, text: "New" }];
const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "late", variations: [{ key: "control", weight: 1 }, { key: "b", weight: 0, changes: changed("#late") }] },
    { key: "never", variations: [{ key: "control", weight: 1 }, { key: "b", weight: 0, changes: changed("#nowhere") }] },
    { key: "other", variations: [
      { key: "control", weight: 0 }, { key: "b", weight: 1, changes: changed("#here") },
      { key: "c", weight: 0, changes: changed("#nowhere") }] },
    { key: "within", variations: [
      { key: "control", weight: 0 }, { key: "b", weight: 1, changes: [{ selector: "#box", html: "<b>New</b>" }] },
      { key: "c", weight: 0, changes: changed("#box i") }] },
    ...[0, 1].flatMap((at) => {
      const of = (name, changes) => ({ key: `${name}-${"ab"[at]}`, pages: [{ include: `/away-${"ab"[at]}` }],
        variations: [{ key: "a", weight: 1 - at }, { key: "b", weight: at, changes }] });
      return [of("gone", [{ selector: "#box", remove: true }]), of("part", [{ selector: "#gone", remove: true }, ...changed("#here")])];
    }),
    { key: "priced", when: { plan: "pro" }, variations: [{ key: "a" }, { key: "b" }] },
  ],
  personalizations: [
    { key: "madrid", slot: "banner", priority: 1, when: { city: "Madrid" }, value: { title: "Hola" } },
    { key: "all", slot: "banner", priority: 2, value: { title: "Hello" } },
    { key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 2 } } }, value: 1 },
  ],
  features: [{ key: "checkout", default: "classic" }],
};

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => {
  Object.assign(site, { batches: [], requests: [], parts: true });
  site.page = () => pageWith();
});

after(async () => {
  await browser?.close();
  site?.close();
});

const pageWith = (tag = TAG, head = "") =>
  `<!doctype html><html><head><title>t</title>${head}${tag}</head><body><p id="here">h</p><div id="box"><i>b</i></div></body></html>`;

async function open(init, path = "/") {
  const context = await browser.newContext();
  const watched = await watch(context, init);
  await watched.page.goto(site.origin + path);
  return { ...watched, context };
}

const exposed = () => site.events().filter(({ kind }) => kind === "exposure").map(({ experiment }) => experiment).sort();

test("control is met when the elements are there that the other variations change, and each waits for those of all", async () => {
  const { page, all, context } = await open();
  await until(() => exposed().includes("all"));
  await sleep(300);
  assert.deepEqual(exposed(), ["all", "within"]);
  assert.equal(await page.locator("#here").textContent(), "New", "the change itself waits for nobody");
  await page.evaluate(() => setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<p id="late">l</p>'), 100));
  await until(() => exposed().includes("late"));
  assert.deepEqual(exposed(), ["all", "late", "within"]);
  assert.equal(await page.locator("#late").textContent(), "l");
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<p id="nowhere">n</p>'));
  await until(() => exposed().length === 5);
  assert.deepEqual(exposed(), ["all", "late", "never", "other", "within"]);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("init says how it went, and content, explain and the history's export answer", async () => {
  const { page, all, context } = await open();
  assert.deepEqual(await page.evaluate(() => splitlight.init()), { ok: true, source: "script", error: undefined });
  assert.deepEqual(await page.evaluate(() => [splitlight.content("banner"), splitlight.content("none", 7)]), [{ title: "Hello" }, 7]);
  await page.evaluate(() => splitlight.setAttributes({ city: "Madrid" }));
  assert.deepEqual(await page.evaluate(() => splitlight.content("banner")), { title: "Hello" }, "the slot is taken on this page");
  const priced = await page.evaluate(() => splitlight.explain("priced"));
  assert.equal(priced.reason, "audience");
  const closed = priced.gates.filter(({ open }) => open !== true);
  assert.deepEqual(closed, [{ gate: "audience", open: false, when: { holds: false, attribute: "plan", value: null } }]);
  const every = await page.evaluate(() => splitlight.explain());
  const decisions = await page.evaluate(() => splitlight.decisions());
  assert.deepEqual(every.items.map(({ key, variation, reason }) => [key, variation, reason]),
    decisions.map(({ key, variation, reason }) => [key, variation, reason]));
  assert.equal(every.features[0].value, "classic");
  await page.evaluate(() => splitlight.track("view"));
  const [view] = (await page.evaluate(() => splitlight.history.export())).events;
  assert.deepEqual([view.event, view.days[0].count], ["view", 1]);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("what is loaded when asked may be missing: the answer is undefined", async () => {
  site.parts = false;
  const { page, all, context } = await open();
  assert.deepEqual(await page.evaluate(async () => [await splitlight.explain("late"), await splitlight.history.export()]),
    [undefined, undefined]);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("what was met is counted when the page is left before it has had a moment", async () => {
  const { page, context } = await open(() => (window.requestIdleCallback = () => {}));
  await page.evaluate(() => splitlight.variation("priced"));
  await sleep(300);
  assert.deepEqual(exposed(), []);
  await page.evaluate(() => splitlight.track("view"));
  await until(() => exposed().length === 2);
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<p id="late">l</p>'));
  await sleep(300);
  assert.deepEqual(exposed(), ["all", "within"]);
  await page.goto("about:blank");
  await until(() => exposed().includes("late"));
  await context.close();
});

test("a site may count only what was in sight, in each variation alike", async () => {
  site.page = () => pageWith(TAG.replace(" data-key", ' data-exposure="visible" data-key'))
    .replace("<body>", '<body><div style="height: 3000px"></div>');
  const { page, all, context } = await open();
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<div style="height: 3000px"></div><p id="late">l</p>'));
  await until(() => exposed().includes("all"));
  await sleep(300);
  assert.deepEqual(exposed(), ["all"]);
  await page.evaluate(() => document.querySelector("#box").scrollIntoView());
  await until(() => exposed().length === 2);
  assert.deepEqual(exposed(), ["all", "within"]);
  await page.evaluate(() => document.querySelector("#late").scrollIntoView());
  await until(() => exposed().length === 3);
  assert.deepEqual(exposed(), ["all", "late", "within"], "control too");
  assert.deepEqual(await all(), []);
  await context.close();
});

for (const variation of ["a", "b"]) test(`whose element is removed counts as those whose element stays: ${variation}`, async () => {
  site.page = () => pageWith(TAG.replace(" data-key", ' data-exposure="visible" data-key'))
    .replace("<body>", '<body><div style="height: 3000px"></div><p id="gone">g</p>');
  const { page, all, context } = await open(undefined, `/away-${variation}`);
  const those = () => exposed().filter((key) => /gone|part/.test(key));
  // Of these nothing stays, so the page is what was seen.
  await until(() => those().length === 1);
  await sleep(300);
  assert.deepEqual(those(), [`gone-${variation}`]);
  await page.evaluate(() => document.querySelector("#here").scrollIntoView());
  await until(() => those().length === 2);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("who starts it by hand decides when anything is decided or stored", async () => {
  site.page = () => pageWith(TAG.replace(" data-key", ' data-mode="manual" data-key'));
  const { page, all, context } = await open();
  await sleep(200);
  assert.deepEqual(await page.evaluate(() => [splitlight.decisions(), document.cookie, splitlight.feature("checkout", "x")]), [[], "", "x"]);
  assert.equal(await page.locator("#here").textContent(), "h");
  await page.evaluate(() => splitlight.setAttributes({ city: "Madrid" }));
  assert.equal((await page.evaluate(() => splitlight.init())).ok, true);
  assert.equal(await page.locator("#here").textContent(), "New");
  assert.deepEqual(await page.evaluate(() => splitlight.content("banner")), { title: "Hola" });
  assert.equal(await page.evaluate(() => splitlight.init() === splitlight.init()), true);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("options may come from the page alone, as a tag manager needs it", async () => {
  // A tag manager adds the script by itself and keeps none of its attributes.
  site.page = () => pageWith("", `<script>
    splitlight_config = { key: "sl_write_gtm", attributes: { plan: "pro" } };
    document.head.append(Object.assign(document.createElement("script"), { src: "/_sl/sl.js" }));
  </script>`);
  const { page, all, context } = await open();
  await until(() => exposed().includes("all"));
  assert.equal(site.batches[0].key, "sl_write_gtm");
  assert.equal(site.batches[0].automated, true, "a steered browser says so");
  assert.equal(await page.evaluate(() => splitlight.decisions().find(({ key }) => key === "priced").reason), "assigned");
  assert.deepEqual(await all(), []);
  await context.close();
});
