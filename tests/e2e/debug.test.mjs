// The panel at `?sl_debug`: nobody else loads it, it tells what the page knows, and forces a variation.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", variations: [
      { key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] },
    { key: "priced", when: { plan: "pro", "geo.city": { $in: ["Madrid"] } }, variations: [{ key: "a" }, { key: "b" }] }],
  personalizations: [{ key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 2 } } },
    changes: [{ selector: "p", text: "Fan" }] }],
  features: [{ key: "checkout", default: "classic" }],
};
// Where pictures of the panel go, to be looked at.
const pictures = process.env.SPLITLIGHT_PICTURES;

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  site.page = () => `<!doctype html><html><head><meta name="viewport" content="width=device-width"><title>t</title>${TAG}</head>
    <body><h1>Original</h1><p>None</p></body></html>`;
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [], headers: {} }));

after(async () => {
  await browser?.close();
  site?.close();
});

async function open(path, width = 1280) {
  const context = await browser.newContext({ viewport: { width, height: 844 } });
  const watched = await watch(context);
  await watched.page.goto(site.origin + path);
  return { ...watched, context, panel: watched.page.locator("splitlight-panel") };
}

test("only who asks for the panel loads it", async () => {
  const { page, panel, context } = await open("/");
  await sleep(300);
  assert.equal(await panel.count(), 0);
  assert.equal(site.requests.filter(({ url }) => url.startsWith("/_sl/p/")).length, 0);
  await page.goto(`${site.origin}/?a=1&sl_debug`);
  await panel.locator("aside").waitFor();
  await context.close();
});

for (const width of [390, 1280]) {
  test(`the panel tells decisions, gates, history, consent and queue at ${width} px, also under a strict policy`, async () => {
    site.headers = { "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'" };
    site.collector = 503;
    const { page, panel, all, context } = await open("/?sl_debug", width);
    await panel.locator("summary", { hasText: "hero" }).waitFor();
    const cdp = await context.newCDPSession(page);
    await cdp.send("Runtime.evaluate", { expression: 'splitlight.track("view"); splitlight.setAttributes({ plan: "pro" })' });
    await sleep(1200);
    await panel.locator("button", { hasText: "Refresh" }).click();
    await until(async () => /"count": 1/.test(await panel.locator("pre").textContent()));
    const text = await panel.locator("aside").innerText();
    for (const part of ["hero bold experiment, assigned, applied", "priced audience", "checkout", "classic (default)", "granted", "hash-1", '{"plan":"pro"}']) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    await until(async () => /waiting to be sent\s*2/.test(await panel.locator("aside").innerText()));
    await panel.locator("summary", { hasText: "priced" }).click();
    const gates = await panel.locator("details", { hasText: "priced" }).innerText();
    assert.match(gates, /audience: closed/);
    assert.match(gates, /attribute plan, value pro: holds/);
    assert.match(gates, /attribute geo.city, value null: does not hold/);
    const box = await panel.locator("aside").boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= width && box.y >= 0, JSON.stringify(box));
    const wide = await panel.locator("aside").evaluate((it) => it.scrollWidth - it.clientWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: `${pictures}/debug-${width}.png` });
    }
    assert.deepEqual(await all().catch(() => []), []);
    site.collector = 200;
    await context.close();
  });
}

test("another variation can be looked at, and does not count", async () => {
  const { page, panel, all, context } = await open("/?sl_debug");
  await panel.locator("summary", { hasText: "hero" }).click();
  assert.equal(await page.locator("h1").textContent(), "Bold");
  await until(() => site.events().length === 1);
  await panel.getByLabel("Variation of hero").selectOption("control");
  await page.waitForURL(/hero=control/);
  await panel.locator("summary", { hasText: "forced" }).waitFor();
  assert.equal(await page.locator("h1").textContent(), "Original");
  await sleep(300);
  assert.equal(site.events().length, 1);
  await panel.locator("summary", { hasText: "hero" }).click();
  await panel.getByLabel("Variation of hero").selectOption("");
  await page.waitForURL((url) => !url.searchParams.has("hero"));
  await until(async () => (await page.locator("h1").textContent()) === "Bold");
  await panel.locator("button", { hasText: "Close" }).click();
  assert.equal(await panel.count(), 0);
  assert.deepEqual(await all(), []);
  await context.close();
});
