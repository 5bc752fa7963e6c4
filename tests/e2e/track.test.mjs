// Events that nobody has to write, and exposures for other tools: only where the site says so.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", variations: [{ key: "control", weight: 0 }, { key: "bold", weight: 1, changes: [{ selector: "h1", text: "Bold" }] }] },
    { key: "plain", variations: [{ key: "a", weight: 1 }, { key: "b", weight: 0 }] }],
};

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [] }));

after(async () => {
  await browser?.close();
  site?.close();
});

async function open(attributes, head = "") {
  site.page = () => `<!doctype html><html><head><title>t</title>${head}${TAG.replace(" data-key", ` ${attributes} data-key`)}</head>
    <body><h1>Original</h1><a id="link" href="#there">Go there</a><form id="f" onsubmit="event.preventDefault()"><input value="secret"><button>Send</button></form>
    <div style="height: 4000px"></div></body></html>`;
  const context = await browser.newContext();
  const watched = await watch(context);
  await watched.page.goto(`${site.origin}/`);
  return { ...watched, context };
}

const named = (name) => site.events().filter((event) => event.name === name);

test("nothing is tracked that was not asked for", async () => {
  const { page, context } = await open("");
  await page.click("#link");
  await sleep(400);
  assert.deepEqual(site.events().filter(({ kind }) => kind === "conversion"), []);
  assert.equal(site.requests.some(({ url }) => url.startsWith("/_sl/p/")), false);
  await context.close();
});

test("views, clicks, forms, depth, time in focus, exit and vitals are tracked once each, without what was typed", async () => {
  const { page, all, context } = await open('data-track="view click form scroll time exit vitals"');
  await until(() => named("page_view").length === 1);
  await page.click("#link");
  await page.click("button");
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await until(() => named("scroll").length === 4);
  await page.evaluate(() => scrollTo(0, 0));
  await page.evaluate(() => document.documentElement.dispatchEvent(new MouseEvent("mouseleave", { clientY: -1 })));
  await sleep(1100);
  await page.evaluate(() => {
    history.pushState(null, "", "/other");
    dispatchEvent(new Event("blur"));
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await until(() => named("web_vital").length >= 2 && named("page_view").length === 2 && named("exit_intent").length === 1);
  assert.deepEqual(named("scroll").map(({ properties }) => properties.percent), [25, 50, 75, 90]);
  assert.deepEqual(named("click").map(({ properties }) => properties), [{ id: "link", text: "Go there", to: "/" }, { text: "Send" }]);
  assert.deepEqual(named("form_submit").map(({ properties }) => properties), [{ id: "f" }]);
  assert.ok(named("user_engagement")[0].value >= 1000);
  assert.ok(named("web_vital").some(({ properties, value }) => properties.name === "lcp" && value > 0));
  assert.ok(!JSON.stringify(site.batches).includes("secret"));
  assert.deepEqual(await all(), []);
  await context.close();
});

test("errors are counted by name and file, ten a page at most, without what they say", async () => {
  const { page, context } = await open('data-track="error"');
  await until(() => site.requests.some(({ url }) => url.includes("/p/")));
  await sleep(300);
  await page.evaluate(() => {
    setTimeout(() => Promise.reject(new RangeError("secret")));
  });
  await until(() => named("error").length === 1);
  await page.evaluate(() => {
    for (let at = 0; at < 20; at += 1) setTimeout(() => { throw new TypeError("secret"); });
  });
  await until(() => named("error").length === 10);
  await sleep(300);
  const names = named("error").map(({ properties }) => properties.name);
  assert.deepEqual([names.length, names.filter((name) => name === "TypeError").length], [10, 9]);
  assert.ok(!JSON.stringify(site.batches).includes("secret"));
  await context.close();
});

test("purchases in the shape of GA4 are counted in minor units, before and after the script", async () => {
  const { page, all, context } = await open('data-track="ecommerce"', `<script>
    dataLayer = [{ event: "purchase", ecommerce: { value: 49.9, currency: "EUR", transaction_id: "o-1",
      items: [{ item_id: "s", item_name: "Shirt", item_category: "Clothing", price: 49.9, quantity: 1 }] } }];
    function gtag() { dataLayer.push(arguments); }
  </script>`);
  await page.evaluate(() => {
    gtag("event", "purchase", { value: 1200, currency: "JPY", transaction_id: "o-2" });
    gtag("event", "scroll", {});
    gtag("event", "purchase");
    dataLayer.push(null, 7, { event: "purchase" });
  });
  await until(() => named("purchase").length === 2);
  const [one, two] = named("purchase");
  assert.deepEqual([one.value, one.properties], [4990, { currency: "EUR", order: "o-1", category: "Clothing",
    items: [{ id: "s", title: "Shirt", category: "Clothing", price: 4990, quantity: 1 }] }]);
  assert.deepEqual([two.value, two.properties.order], [1200, "o-2"]);
  assert.equal(await page.evaluate(() => dataLayer.length), 7);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("exposures are told to gtag, to a dataLayer and to Segment, once each, and a tool that throws does no harm", async () => {
  const { page, all, context } = await open('data-bridge="gtag segment"', `<script>
    window.dataLayer = []; window.calls = [];
    window.analytics = { track(...given) { calls.push(given); throw new Error("theirs"); } };
  </script>`);
  await until(() => page.evaluate(() => window.calls.length === 1));
  await page.evaluate(() => [splitlight.variation("plain"), splitlight.variation("plain")]);
  assert.deepEqual(await page.evaluate(() => window.calls), [
    ["Experiment Viewed", { experiment_id: "hero", variation_id: "bold" }],
    ["Experiment Viewed", { experiment_id: "plain", variation_id: "a" }]]);
  assert.deepEqual(await page.evaluate(() => window.dataLayer), [
    { event: "experiment_viewed", experiment_id: "hero", variation_id: "bold" },
    { event: "experiment_viewed", experiment_id: "plain", variation_id: "a" }]);
  await until(() => site.events().filter(({ kind }) => kind === "exposure").length === 2);
  assert.deepEqual(await all(), []);
  await context.close();
});
