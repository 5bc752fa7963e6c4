// Events that a config declares: made of what happens to elements and on the page, and of nothing that somebody typed.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  events: [
    { key: "add_to_cart", on: "click", selector: ".add", value: "data-price", currency: "EUR", properties: { sku: "data-sku", none: "data-none" } },
    { key: "yen", on: "click", selector: ".yen", value: "data-price", currency: "JPY" },
    { key: "cents", on: "click", selector: ".cents", value: "data-cents" },
    { key: "lead", name: "sign_up", on: "submit", selector: "#sign-up", value: 500 },
    { key: "filtered", on: "change", selector: "select, input", properties: { field: "name" } },
    { key: "reviews_seen", on: "visible", selector: ".reviews", properties: { id: "id" } },
    { key: "half", on: "scroll", percent: 50 }, { key: "half_too", on: "scroll", percent: 50, value: 7 },
    { key: "reader", on: "time", seconds: 1 }, { key: "long_reader", on: "time", seconds: 600 },
    { key: "leaving", on: "exit" }, { key: "opened", on: "view" },
    { key: "broken", on: "click", selector: "a[" },
  ],
  personalizations: [{ key: "fans", when: { $history: { event: "add_to_cart", within: "30d", count: { $gte: 1 } } },
    changes: [{ selector: "h1", text: "Fan" }] }],
};
const BODY = `<h1>Shop</h1>
  <button class="add" data-price=" 49.90 " data-sku="s-1"><b id="inner">Add</b></button>
  <button class="add" id="free" data-price="">Free</button><button class="yen" data-price="1200">Yen</button>
  <button class="cents" data-cents="990">Cents</button>
  <form id="sign-up" onsubmit="event.preventDefault()"><input name="mail" value="secret@shop.test"><button>Send</button></form>
  <div style="height: 3000px"></div><div id="far" class="reviews" style="height: 400px">Reviews</div><div id="late"></div>`;

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG}</head><body>${BODY}</body></html>`;
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [] }));

after(async () => {
  await browser?.close();
  site?.close();
});

async function open(init) {
  const context = await browser.newContext();
  const watched = await watch(context, init);
  await watched.page.goto(`${site.origin}/`);
  await until(() => named("opened").length === 1);
  return { ...watched, context };
}

const named = (name) => site.events().filter((event) => event.name === name);
const told = (name) => named(name).map(({ value, properties }) => [value, properties]);

test("clicks, forms and fields become events with the values of attributes, and nothing that was typed leaves the page", async () => {
  const { page, all, warnings, context } = await open();
  await page.click("#inner");
  await page.click("#free");
  await page.click(".yen");
  await page.click(".cents");
  await page.fill("input", "typed@shop.test");
  await page.click("form button");
  // An element that was not there when the page came.
  await page.evaluate(() => document.querySelector("#late").insertAdjacentHTML("beforeend", '<a class="add" data-price="5" href="#x">x</a>'));
  await page.click("#late a");
  await until(() => named("add_to_cart").length === 3 && named("sign_up").length === 1 && named("filtered").length === 1);
  assert.deepEqual(told("add_to_cart"), [[4990, { sku: "s-1" }], [undefined, {}], [500, {}]]);
  assert.deepEqual([...told("yen"), ...told("cents"), ...told("sign_up"), ...told("filtered")],
    [[1200, {}], [990, {}], [500, {}], [undefined, { field: "mail" }]]);
  assert.ok(!/typed|secret/.test(JSON.stringify(site.batches)));
  assert.equal(warnings.filter((it) => it.includes("a[ is no selector")).length, 1);
  assert.deepEqual(named("broken"), []);
  await page.reload();
  await until(async () => (await page.locator("h1").textContent()) === "Fan");
  assert.deepEqual(await all(), []);
  await context.close();
});

test("what is seen, how far and how long, and the way out are told once per page, and again on the next route", async () => {
  const { page, all, context } = await open();
  const leave = () => page.evaluate(() => document.documentElement.dispatchEvent(new MouseEvent("mouseleave", { clientY: -1 })));
  assert.deepEqual(named("reviews_seen"), []);
  const down = async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await sleep(200);
    await page.evaluate(() => scrollTo(0, 0));
    await sleep(100);
  };
  await down();
  await down();
  await leave();
  await leave();
  await until(() => named("leaving").length === 1 && named("reader").length === 1);
  assert.deepEqual([told("half"), told("half_too"), told("reviews_seen"), told("reader"), told("leaving"), named("long_reader")],
    [[[undefined, { percent: 50 }]], [[7, { percent: 50 }]], [[undefined, { id: "far" }]], [[undefined, { seconds: 1 }]], [[undefined, {}]], []]);
  await page.evaluate(() => history.pushState(null, "", "/next"));
  await down();
  await leave();
  await until(() => named("leaving").length === 2 && named("reader").length === 2 && named("opened").length === 2);
  assert.deepEqual([named("half").length, named("reviews_seen").length, named("opened").map((it) => it.page)], [2, 2, ["/", "/next"]]);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("a page out of focus is not read", async () => {
  const { page, context } = await open(() => (document.hasFocus = () => false));
  await sleep(1500);
  assert.deepEqual(named("reader"), []);
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await sleep(500);
  await page.evaluate(() => dispatchEvent(new Event("blur")));
  await sleep(700);
  assert.deepEqual(named("reader"), [], "half a second is not one");
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await until(() => named("reader").length === 1, 1500);
  await context.close();
});

test("before consent nothing is told", async () => {
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG.replace(" data-key", ' data-consent="pending" data-key')}</head><body>${BODY}</body></html>`;
  const context = await browser.newContext();
  const { page } = await watch(context);
  await page.goto(`${site.origin}/`);
  await sleep(300);
  await page.click("#inner");
  await sleep(300);
  assert.deepEqual(site.batches, []);
  await page.evaluate(() => splitlight.consent("granted"));
  await page.click("#inner");
  await until(() => named("add_to_cart").length === 1);
  await context.close();
});
