// What a visitor sees of a page that is changed, frame by frame, on fast and slow machines and networks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, watch } from "./tag.mjs";

const LOADS = 3;
// As the snippet says, and a frame or two on a busy machine.
const CAP_MS = 400;
const SLACK_MS = 250;
const SNIPPET = readFileSync(new URL("../../www/docs/hide.html", import.meta.url), "utf8").trim();
const DOCS = readFileSync(new URL("../../www/docs/browser.md", import.meta.url), "utf8");
const ASYNC = TAG.replace(" src", " async src");

const mbit = (count) => (count * 1_000_000) / 8;
// The browser's own presets.
const MACHINES = {
  "unthrottled": {},
  "fast 4G": { network: { latency: 165, down: mbit(8.1), up: mbit(1.35) } },
  "slow 4G and a fourth of the processor": { network: { latency: 562, down: mbit(1.44), up: mbit(0.675) }, cpu: 4 },
};

const config = {
  version: 1,
  project: "shop",
  experiments: [{ key: "hero", variations: [
    { key: "control", weight: 0 },
    { key: "bold", weight: 1, changes: [
      { selector: "#hero h1", text: "Changed" }, { selector: "#banner", html: "<b>Changed</b>" },
      { selector: ".late", text: "Changed" }] }] }],
};
const ROWS = `<section><p>${"Some text of the page. ".repeat(8)}</p></section>`.repeat(150);

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  browser = await chromium.launch({ executablePath, args });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** Notes in each frame what can be seen of the elements that are to be changed. */
const note = () => {
  window.frames_ = [];
  const look = () => {
    const seen = [...document.querySelectorAll("#hero h1, #banner, .late")].filter((element) => {
      const { visibility } = getComputedStyle(element);
      return element.textContent && visibility === "visible";
    });
    window.frames_.push([performance.now(), seen.map(({ textContent }) => textContent)]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
};

/** One load of a page, in a new profile: how many frames showed an original, and until when anything was hidden. */
async function load(head, { network, cpu, until = "load" }) {
  site.page = () => `<!doctype html><html><head><title>t</title>${head}</head><body><div id="hero"><h1>Original</h1></div>
    <div id="banner">Original</div>${ROWS}<p class="late">Original</p></body></html>`;
  const context = await browser.newContext();
  const { page, all } = await watch(context, note);
  const cdp = await context.newCDPSession(page);
  if (network) {
    await cdp.send("Network.enable");
    const { latency, down, up } = network;
    await cdp.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: down, uploadThroughput: up });
  }
  if (cpu) await cdp.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  await page.goto(`${site.origin}/`, { waitUntil: until });
  await sleep(600);
  const found = await page.evaluate(() => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    const first = window.frames_.find(([, texts]) => texts.length)?.[0];
    return { frames: window.frames_, paint: paint?.startTime, first, text: document.querySelector("h1").textContent };
  });
  const flickers = found.frames.filter(([, texts]) => texts.some((text) => !/^Changed$/.test(text))).length;
  assert.deepEqual(await all(), []);
  await context.close();
  return { ...found, flickers };
}

for (const [name, machine] of Object.entries(MACHINES)) {
  test(`the tag shows no original: ${name}`, async () => {
    for (let at = 0; at < LOADS; at++) {
      const { flickers, paint, text } = await load(TAG, machine);
      assert.equal(text, "Changed");
      assert.ok(paint > 0, "something was painted");
      assert.equal(flickers, 0, `load ${at}: ${flickers} frames showed an original`);
    }
  });
}

test("async shows the original first on a slow network, so that the test sees it", async () => {
  const { flickers, text } = await load(ASYNC, MACHINES["slow 4G and a fourth of the processor"]);
  assert.ok(flickers > 0);
  assert.equal(text, "Changed");
});

test("with the inline snippet async shows none where the script is there in time", async () => {
  assert.ok(DOCS.includes(SNIPPET), "the documentation has another one");
  assert.ok(Buffer.byteLength(SNIPPET) < 400, `${Buffer.byteLength(SNIPPET)} bytes`);
  for (let at = 0; at < LOADS; at++) {
    const { flickers, text } = await load(SNIPPET.replace("#banner", "#banner,.late") + ASYNC, {});
    assert.deepEqual([flickers, text], [0, "Changed"]);
  }
});

test("the snippet hides for 400 ms at most, whatever becomes of the script", async () => {
  site.serve = () => {};
  const { first, text } = await load(SNIPPET.replace("#banner", "#banner,.late") + ASYNC, { until: "domcontentloaded" }).finally(() => (site.serve = undefined));
  assert.equal(text, "Original");
  assert.ok(first >= CAP_MS - SLACK_MS && first < CAP_MS + SLACK_MS + 200, `seen after ${first} ms`);
});

/** How far a page's content was shifted while somebody looked, as the browser counts it. */
async function shift(head, body, machine = {}) {
  site.page = () => `<!doctype html><html><head><title>t</title>${head}</head><body style="margin: 0">${body}${ROWS}</body></html>`;
  const context = await browser.newContext();
  const { page, all } = await watch(context, () => {
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) window.shifted += value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  if (machine.network) {
    const cdp = await context.newCDPSession(page);
    const { latency, down, up } = machine.network;
    await cdp.send("Network.enable");
    await cdp.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: down, uploadThroughput: up });
  }
  await page.goto(`${site.origin}/`);
  await sleep(500);
  const found = await page.evaluate(() => [window.shifted, document.querySelector("#banner").textContent, splitlight.decisions()[0].applied]);
  assert.deepEqual(await all(), []);
  await context.close();
  return found;
}

test("nothing moves where the edge has rendered the page, and nothing while the tag changes it; late changes do, so that the test sees it", async () => {
  const handover = JSON.stringify({ config: "hash-1", attributes: {}, decisions: [{ key: "hero", variation: "bold", reason: "assigned", left: [] }] });
  const rendered = `<script type="application/json" id="splitlight-handover">${handover}</script>`;
  const tall = (text) => `<div id="hero"><h1>${text}</h1></div><div id="banner">${text}</div><p class="late">${text}</p>`;
  const changed = '<div id="hero"><h1>Changed</h1></div><div id="banner"><b>Changed</b></div><p class="late">Changed</p>';
  const high = "<style>#banner:has(b) { height: 300px }</style>";
  assert.deepEqual(await shift(rendered + high + TAG, changed), [0, "Changed", true]);
  assert.deepEqual(await shift(high + TAG, tall("Original")), [0, "Changed", true]);
  const [late] = await shift(high + ASYNC, tall("Original"), MACHINES["slow 4G and a fourth of the processor"]);
  assert.ok(late > 0.05, `${late}`);
});
