// Being forgotten: gone from the device at once, and from the collector as soon as it can be reached, whatever happens in between.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  experiments: [{ key: "hero", variations: [{ key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] }],
  personalizations: [{ key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 1 } } },
    changes: [{ selector: "#fans", text: "Fan" }] }],
};

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG}</head><body><h1>Original</h1><p id="fans">None</p></body></html>`;
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [], collector: 200, forget: 200 }));

after(async () => {
  await browser?.close();
  site?.close();
});

const asked = () => site.requests.filter(({ url }) => url === "/_sl/forget").map(({ body }) => JSON.parse(body));

/** A page of somebody who is known, with a cookie that the edge has signed. */
async function open() {
  const context = await browser.newContext();
  await context.addCookies([{ name: "sl_id", value: "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d.s1gn4ture", url: site.origin }]);
  const watched = await watch(context);
  await watched.page.goto(`${site.origin}/`);
  await watched.page.evaluate(() => splitlight.track("view"));
  await until(() => site.events().length >= 2);
  const kept = async () => {
    const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`);
    const stored = await watched.page.evaluate(async () => [
      ...Object.keys(localStorage), ...Object.keys(sessionStorage), ...(await indexedDB.databases()).map(({ name }) => name)]);
    return [...cookies, ...stored].sort();
  };
  return { ...watched, context, kept };
}

test("the device forgets at once, the collector is asked with the id and its signature, and nothing is left", async () => {
  const { page, kept, all, context } = await open();
  assert.ok((await kept()).length > 4, "there is something to forget");
  const promised = page.evaluate(() => splitlight.forget());
  assert.equal(await promised, true);
  assert.deepEqual(asked(), [{ key: "sl_write_x", visitor: "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d", signature: "s1gn4ture" }]);
  await until(async () => (await kept()).join() === "sl_consent=denied");
  const { length } = site.requests;
  await page.evaluate(() => {
    splitlight.track("view");
    splitlight.variation("hero");
    splitlight.push(["forget"]);
  });
  await sleep(300);
  assert.equal(site.requests.length, length, "nobody is left to be forgotten or counted");
  await page.reload();
  await sleep(300);
  assert.equal(asked().length, 1);
  assert.deepEqual(await kept(), ["sl_consent=denied"]);
  await page.evaluate(() => splitlight.consent("granted"));
  const id = await page.evaluate(() => splitlight.visitorId());
  assert.ok(id && id !== "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d", "whoever agrees again is somebody new");
  assert.deepEqual(await all(), []);
  await context.close();
});

test("a collector that cannot be reached is asked again on every page until it has answered, for each of them", async () => {
  const { page, kept, all, context } = await open();
  site.forget = 0;
  await page.evaluate(() => void splitlight.forget());
  await until(() => asked().length >= 1);
  assert.deepEqual((await kept()).filter((it) => !it.startsWith("splitlight")),
    ["sl_consent=denied", "sl_forget=~0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d.s1gn4ture"]);
  // They agree again, and change their mind, while the first one is still to be forgotten.
  await page.evaluate(() => splitlight.consent("granted"));
  const second = await page.evaluate(() => splitlight.visitorId());
  site.forget = 503;
  await page.goto(`${site.origin}/two`);
  await page.evaluate(() => void splitlight.forget());
  await sleep(300);
  Object.assign(site, { forget: 200, requests: [] });
  await page.goto(`${site.origin}/three`);
  await until(async () => (await kept()).join() === "sl_consent=denied", 10_000);
  assert.deepEqual([...new Set(asked().map(({ visitor }) => visitor))].sort(), ["0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d", second].sort());
  assert.deepEqual(await all(), []);
  await context.close();
});

test("without its part, and with cookies refused, the device forgets all the same", async () => {
  const { page, kept, context } = await open();
  site.parts = false;
  assert.equal(await page.evaluate(() => splitlight.forget()), undefined);
  assert.deepEqual((await kept()).filter((it) => !it.startsWith("splitlight")),
    ["sl_consent=denied", "sl_forget=~0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d.s1gn4ture"]);
  site.parts = true;
  await page.reload();
  await until(async () => (await kept()).join() === "sl_consent=denied");
  assert.deepEqual([...new Set(asked().map(({ visitor }) => visitor))], ["0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d"]);
  await context.close();
  site.requests = [];
  const refused = await browser.newContext();
  const watched = await watch(refused, () =>
    Object.defineProperty(document, "cookie", { get() { throw new Error("no"); }, set() { throw new Error("no"); } }));
  await watched.page.goto(`${site.origin}/`);
  const id = await watched.page.evaluate(() => splitlight.visitorId());
  assert.equal(await watched.page.evaluate(() => splitlight.forget()), true);
  assert.deepEqual(asked().map(({ visitor }) => visitor), [id]);
  assert.deepEqual(await watched.all(), []);
  await refused.close();
});
