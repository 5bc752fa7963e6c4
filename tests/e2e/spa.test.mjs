// A page that stays while its address changes: what one route showed is gone on the next, and nothing grows.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const ROUTES = 10_000;
const HEAP_GROWTH_MAX = 1024 * 1024;

const shown = (key, path, changes) => ({ key, pages: [{ include: path }], changes });
const config = {
  version: 1,
  project: "shop",
  experiments: [{ key: "plain", status: "running", variations: [{ key: "first", weight: 1 }, { key: "second", weight: 0 }] }],
  personalizations: [
    shown("all-kinds", "/a", [
      { selector: "#text", text: "New" },
      { selector: "#html", html: "<b>New</b>" },
      { selector: "#link", attribute: { name: "href", value: "/new" } },
      { selector: "#plain", attribute: { name: "title", value: "new" } },
      { selector: "#class", class: { add: ["x", "kept"], remove: ["y"] } },
      { selector: "#list", insert: { position: "append", html: "<li>2</li>" } },
      { selector: "#gone", remove: true },
      { selector: "#moved", move: { position: "after", target: "#text" } },
      { css: "#text { color: rgb(255, 0, 0) }" },
    ]),
    shown("everywhere", "/*", [{ selector: "#both", text: "Both" }]),
    shown("rendered", "/loop", [{ selector: ".again", text: "Ours" }]),
  ],
};
const BODY = `<p id="text">Old <i>text</i></p><p id="html">Old</p><a id="link" href="/old">link</a><p id="plain">p</p>
  <p id="class" class="y kept">c</p><ul id="list"><li>1</li></ul><div><p id="gone">here</p><hr></div>
  <p id="both">One</p><div><p id="moved">Moved</p><hr></div><div id="app"></div>`;

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG}</head><body>${BODY}</body></html>`;
  // Exact sizes of the heap, and a collection on demand.
  browser = await chromium.launch({ executablePath, args: [...args, "--js-flags=--expose-gc", "--enable-precise-memory-info"] });
});

beforeEach(() => Object.assign(site, { batches: [], requests: [] }));

after(async () => {
  await browser?.close();
  site?.close();
});

async function open(path, init) {
  const context = await browser.newContext();
  const watched = await watch(context, init);
  await watched.page.goto(site.origin + path);
  return { ...watched, context, body: () => watched.page.evaluate(() => document.body.innerHTML.trim()) };
}

const go = (page, path) => page.evaluate((to) => history.pushState(null, "", to), path);

for (const [where, init] of [["", undefined], [" where no event tells of routes", () => delete window.navigation]]) test(`the changes of one route are taken back on the next${where}, and made again when it comes back`, async () => {
  const { page, body, all, context } = await open("/b", init);
  const color = () => page.evaluate(() => getComputedStyle(document.querySelector("#text")).color);
  const original = await body();
  assert.ok(original.includes('id="both">Both<'), original);
  for (let round = 0; round < 3; round++) {
    await go(page, "/a");
    await until(async () => (await page.locator("#text").textContent()) === "New");
    assert.deepEqual(await page.evaluate(() => [
      document.querySelector("#html").innerHTML, document.querySelector("#link").getAttribute("href"),
      document.querySelector("#class").className, document.querySelector("#list").children.length,
      document.querySelector("#gone"), document.querySelector("#plain").title, document.querySelector("#text + #moved")?.textContent,
    ]), ["<b>New</b>", "/new", "kept x", 2, null, "new", "Moved"]);
    assert.equal(await color(), "rgb(255, 0, 0)");
    await go(page, "/b");
    await until(async () => (await page.locator("#text").textContent()) === "Old text");
    assert.equal((await body()).replace("kept y", "y kept"), original);
    assert.equal(await color(), "rgb(0, 0, 0)");
  }
  assert.deepEqual(await all(), []);
  await context.close();
});

test("what the page has changed since is the page's", async () => {
  const { page, all, context } = await open("/a");
  await page.evaluate(() => {
    document.querySelector("#text").textContent = "Theirs";
    document.querySelector("#link").href = "/theirs";
  });
  await go(page, "/b");
  await until(async () => (await page.locator("#html").textContent()) === "Old");
  assert.equal(await page.locator("#text").textContent(), "Theirs");
  assert.equal(await page.locator("#link").getAttribute("href"), "/theirs");
  assert.deepEqual(await all(), []);
  await context.close();
});

test("a framework that renders the original again and again is left alone in the end", async () => {
  const { page, warnings, all, context } = await open("/loop");
  await page.evaluate(() => {
    window.ours = 0;
    const app = document.querySelector("#app");
    const render = () => (app.innerHTML = '<p class="again">Original</p>');
    // As soon as it is changed it is rendered again, with a new element.
    new MutationObserver(() => {
      if (app.textContent !== "Ours") return;
      window.ours++;
      render();
    }).observe(app, { childList: true, characterData: true, subtree: true });
    render();
  });
  await until(() => warnings.some((warning) => warning.includes("gives up")), 20_000);
  const ours = await page.evaluate(() => window.ours);
  assert.ok(ours >= 100 && ours < 110, `${ours} rounds`);
  await sleep(300);
  assert.equal(await page.evaluate(() => window.ours), ours);
  assert.equal(await page.locator("#app").textContent(), "Original");
  assert.equal(warnings.length, 1);
  assert.deepEqual(await all(), []);
  await context.close();
});

test(`${ROUTES} routes leave the heap and the core's memory as they were`, async () => {
  const { page, all, context } = await open("/b", () => {
    const real = WebAssembly.Instance;
    WebAssembly.Instance = function Instance(...given) {
      const instance = new real(...given);
      window.memory = instance.exports.memory;
      return instance;
    };
  });
  const measure = async (routes) =>
    page.evaluate(async (count) => {
      for (let at = 0; at < count; at++) {
        history.pushState(null, "", at % 2 ? "/a" : "/b");
        // The observer's and the browser's own turn.
        if (at % 100 === 0) await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      }
      gc();
      await new Promise((resolve) => setTimeout(resolve, 100));
      gc();
      return [performance.memory.usedJSHeapSize, window.memory.buffer.byteLength];
    }, routes);
  // What is compiled and cached once is not growth.
  const [first, pages] = await measure(500);
  const [last, pagesLast] = await measure(ROUTES);
  assert.equal(pagesLast, pages, "the core's memory has not grown");
  assert.ok(last - first <= HEAP_GROWTH_MAX, `the heap grew by ${last - first} bytes`);
  console.log(`heap: ${last - first} bytes in ${ROUTES} routes`);
  assert.deepEqual(await all(), []);
  await context.close();
});

test("pushes run at once after the script, peeking is no exposure, and destroying leaves the page as it came", async () => {
  const { page, body, all, context } = await open("/a");
  assert.equal(await page.evaluate(() => splitlight.peek("plain")), "first");
  assert.equal(await page.evaluate(() => splitlight.peek("none", "x")), "x");
  await sleep(300);
  const met = () => site.events().filter((event) => event.experiment === "plain").length;
  assert.equal(met(), 0);
  assert.equal(await page.evaluate(() => {
    let now;
    splitlight.push((sl) => (now = sl.variation("plain")), ["track", "x"]);
    return now;
  }), "first");
  await until(() => met() === 1);
  const calls = await page.evaluate(() => {
    let count = 0;
    const stop = splitlight.onChange(() => count++);
    splitlight.setAttributes({ a: 1 });
    stop();
    splitlight.setAttributes({ a: 2 });
    return count;
  });
  assert.equal(calls, 1);
  await page.evaluate(() => splitlight.destroy());
  assert.ok((await body()).includes("Old <i>text</i>"));
  assert.ok((await body()).includes('id="both">One<'));
  assert.deepEqual(await page.evaluate(() => [
    splitlight.variation("plain", "fallback"), splitlight.decisions(), splitlight.feature("x", 1),
  ]), ["fallback", [], 1]);
  await go(page, "/b");
  await page.evaluate(() => splitlight.setAttributes({ a: 3 }));
  await sleep(200);
  assert.ok((await body()).includes('id="both">One<'));
  assert.deepEqual(await all(), []);
  await context.close();
});
