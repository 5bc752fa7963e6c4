// The script tag in a second browser: what a visitor with Firefox sees, and what of them arrives.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import puppeteer from "puppeteer-core";
import { TAG, openSite, scriptFor, sleep, until } from "./tag.mjs";

const executablePath = process.env.SPLITLIGHT_FIREFOX;
const skip = executablePath ? false : "NOT TRIED: there is no Firefox: install it and set FIREFOX=/path/to/firefox";

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", pages: [{ include: "/" }, { include: "/more" }], variations: [
      { key: "control", weight: 0 },
      { key: "bold", weight: 1, changes: [
        { selector: "h1", text: "Bold" },
        { selector: "#html", html: '<b class="kept" onclick="window.ran = 1">Bold</b><img src=x onerror="window.ran = 1">' },
        { selector: "#html", attribute: { name: "title", value: "t" } },
        { selector: "#html", class: { add: ["new"], remove: ["old"] } },
        { selector: "#html", style: { color: "rgb(1, 2, 3)" } },
        { selector: "#list", insert: { position: "append", html: "<li>2</li>" } },
        { css: "#list { color: rgb(4, 5, 6) }" },
        { selector: "#gone", remove: true },
        { selector: "#fans", move: { position: "before", target: "h1" } },
      ] }] },
    { key: "moved", pages: [{ include: "/old" }], variations: [
      { key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: "/more?own=1", keepQuery: true } }] },
  ],
  personalizations: [{ key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 1 } } },
    changes: [{ selector: "#fans", text: "Fan" }] }],
};
const BODY = `<h1>Original</h1><p id="html" class="old">Original</p><ul id="list"><li>1</li></ul><p id="gone">Gone</p><p id="fans">None</p>`;
const CHANGED = { text: "Bold", html: '<p id="html" class="new" title="t"><b class="kept">Bold</b><img src="x"></p>',
  color: "rgb(1, 2, 3)", list: ["2", "rgb(4, 5, 6)"], gone: false, first: "fans", ran: null };

let site;
const folders = [];
const browsers = new Set();

before(async () => {
  if (skip) return;
  site = await openSite(scriptFor(config));
});

beforeEach(() => {
  if (skip) return;
  Object.assign(site, { batches: [], requests: [], headers: {}, collector: 200, serve: undefined });
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG}</head><body>${BODY}</body></html>`;
});

after(async () => {
  site?.close();
  await Promise.all([...browsers].map((browser) => browser.close()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

async function start(userDataDir = mkdtempSync(join(tmpdir(), "splitlight-firefox-"))) {
  folders.push(userDataDir);
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, userDataDir });
  browsers.add(browser);
  const page = await browser.newPage();
  const errors = [];
  const warnings = [];
  // The attempt to start the wasm is the only way to know whether it is refused, and Firefox notes it.
  page.on("pageerror", (error) => /blocked WebAssembly/.test(error) || errors.push(String(error)));
  page.on("console", (message) => message.type() === "warn" && warnings.push(message.text()));
  const close = () => browsers.delete(browser) && browser.close();
  return { browser, page, errors, warnings, userDataDir, close };
}

const look = (page) => page.evaluate(() => {
  const find = (selector) => document.querySelector(selector);
  const html = find("#html").cloneNode(true);
  html.removeAttribute("style");
  return {
    text: find("h1").textContent, html: html.outerHTML, color: getComputedStyle(find("#html")).color,
    list: [`${find("#list").children.length}`, getComputedStyle(find("#list")).color], gone: !!find("#gone"),
    first: document.body.firstElementChild.id, ran: window.ran ?? null,
  };
});

const isChanged = (page) => until(() => page.evaluate(() => document.querySelector("h1").textContent === "Bold"));
const exposures = () => site.events().filter(({ kind }) => kind === "exposure").map(({ experiment }) => experiment);

for (const [way, policy, source] of [["by wasm", "", "script"], ["where wasm is refused", "default-src 'self'", "plain"]]) {
  test(`all changes are made ${way}, and what was met arrives once`, { skip }, async () => {
    if (policy) site.headers = { "content-security-policy": policy };
    const { page, errors, warnings, close } = await start();
    await page.goto(`${site.origin}/`);
    await isChanged(page);
    assert.deepEqual(await look(page), CHANGED);
    assert.equal(await page.evaluate(async () => (await splitlight.init()).source), source);
    await until(() => exposures().length > 0);
    await page.evaluate(() => splitlight.track("view", { value: 3 }));
    await until(() => site.events().length === 2);
    await page.reload();
    await until(() => page.evaluate(() => document.querySelector("#fans").textContent === "Fan"));
    await sleep(500);
    assert.deepEqual(exposures().sort(), ["fans", "hero"]);
    assert.deepEqual([errors, warnings.filter((text) => text.includes("Splitlight"))], [[], []]);
    await close();
  });
}

test("nothing of the original is painted first, and of an async script it is, so that the test sees it", { skip }, async () => {
  const { page, close } = await start();
  await page.evaluateOnNewDocument(() => {
    window.seen = new Set();
    // A message that a frame sends arrives behind its painting.
    const painted = new MessageChannel();
    painted.port1.onmessage = () => {
      const heading = document.querySelector("h1");
      if (heading) window.seen.add(heading.textContent);
    };
    const frame = () => {
      painted.port2.postMessage(null);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const painted = async () => {
    await page.goto(`${site.origin}/`);
    await isChanged(page);
    await sleep(100);
    return page.evaluate(() => [...window.seen]);
  };
  assert.deepEqual(await painted(), ["Bold"]);
  const slow = (response) => setTimeout(() => response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(site.script), 300);
  site.serve = slow;
  assert.deepEqual(await painted(), ["Bold"]);
  site.page = () => `<!doctype html><html><head>${TAG.replace("<script", "<script async")}</head><body>${BODY}</body></html>`;
  assert.deepEqual(await painted(), ["Original", "Bold"]);
  await close();
});

test("the changes of one route are taken back on the next", { skip }, async () => {
  const { page, errors, close } = await start();
  await page.goto(`${site.origin}/`);
  await isChanged(page);
  await page.evaluate(() => history.pushState(null, "", "/other"));
  await until(() => page.evaluate(() => document.querySelector("h1").textContent === "Original"));
  assert.deepEqual(await page.evaluate(() => [document.querySelector("#html").outerHTML, !!document.querySelector("#gone")]),
    ['<p id="html" class="old">Original</p>', true]);
  await page.evaluate(() => history.back());
  await isChanged(page);
  assert.deepEqual(errors, []);
  await close();
});

test("a variation that is another page is met there", { skip }, async () => {
  const { page, errors, close } = await start();
  await page.goto(`${site.origin}/old?from=mail`);
  await until(() => page.url() === `${site.origin}/more?own=1&from=mail`);
  await until(() => exposures().includes("moved"));
  assert.equal(exposures().filter((key) => key === "moved").length, 1);
  assert.deepEqual(errors, []);
  await close();
});

test("before consent nothing is stored or sent, and denial takes everything away", { skip }, async () => {
  site.page = () => `<!doctype html><html><head>${TAG.replace("data-key", 'data-consent="pending" data-key')}</head><body>${BODY}</body></html>`;
  const { page, close } = await start();
  const kept = () => page.evaluate(async () => [document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length]);
  await page.goto(`${site.origin}/`);
  await isChanged(page);
  await page.evaluate(() => splitlight.track("view"));
  await sleep(300);
  assert.deepEqual(await kept(), ["", 0, 0, 0]);
  assert.deepEqual(site.batches, []);
  await page.evaluate(() => splitlight.consent("granted"));
  await until(() => exposures().length === 1);
  assert.match((await kept())[0], /sl_id=/);
  await page.evaluate(() => splitlight.consent("denied"));
  await sleep(100);
  assert.deepEqual(await kept(), ["sl_consent=denied", 0, 0, 0]);
  await close();
});

test("kill -9 of the browser after a second: ten of ten arrive once from the next one", { skip }, async () => {
  site.collector = 0;
  const first = await start();
  await first.page.goto(`${site.origin}/other`);
  await first.page.evaluate(() => {
    for (let i = 0; i < 10; i++) splitlight.track("kept", { i });
  });
  await sleep(1000);
  browsers.delete(first.browser);
  const gone = new Promise((resolve) => first.browser.process().once("exit", resolve));
  first.browser.process().kill("SIGKILL");
  await gone;
  assert.deepEqual(site.batches, []);
  site.collector = 200;
  const second = await start(first.userDataDir);
  await second.page.goto(`${site.origin}/other`);
  await until(() => site.events().length >= 10, 15_000);
  await sleep(1000);
  assert.deepEqual(site.events().map(({ properties }) => properties.i).sort((a, b) => a - b), [...Array(10).keys()]);
  await second.close();
});
