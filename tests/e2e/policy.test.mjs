// Under the Content-Security-Policies that sites have: the same decisions without WebAssembly, a nonce, integrity.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  experiments: [{ key: "hero", variations: [
    { key: "control", weight: 0 },
    { key: "bold", weight: 1, changes: [
      { selector: "#text", text: "Bold {{ name | friend }}" },
      { selector: "#html", html: '<b class="x">Bold</b>' },
      { selector: "#html", attribute: { name: "title", value: "t" } },
      { selector: "#style", style: { color: "rgb(1, 2, 3)" } },
      { selector: "#list", insert: { position: "append", html: "<li>2</li>" } },
      { css: "#css { color: rgb(4, 5, 6) }" }] }] }],
  personalizations: [{ key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 1 } } },
    changes: [{ selector: "#fans", text: "Fan" }] }],
};
const BODY = `<p id="text">Old</p><p id="html">Old</p><p id="style">s</p><ul id="list"><li>1</li></ul>
  <p id="css">c</p><p id="fans">None</p>`;

let site;
let browser;

before(async () => {
  site = await openSite(scriptFor(config));
  browser = await chromium.launch({ executablePath, args });
});

beforeEach(() => {
  Object.assign(site, { batches: [], requests: [], headers: {}, parts: true });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** A page under a policy, and what the policy refused. */
async function open(policy, tag = TAG, init) {
  site.headers = policy ? { "content-security-policy": policy } : {};
  site.page = () => `<!doctype html><html><head><title>t</title>${tag}</head><body>${BODY}</body></html>`;
  const context = await browser.newContext();
  const watched = await watch(context, init);
  const refused = [];
  watched.page.on("console", (message) => /Content Security Policy|TrustedHTML/.test(message.text()) && refused.push(message.text()));
  const cdp = await context.newCDPSession(watched.page);
  await watched.page.goto(`${site.origin}/`);
  // Where eval is refused to the page, the browser's tools still may.
  const look = async (expression) =>
    (await cdp.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })).result.value;
  return { ...watched, context, refused, look };
}

const LOOK = `(() => [document.querySelector("#text").textContent, document.querySelector("#html").outerHTML,
  getComputedStyle(document.querySelector("#style")).color, document.querySelector("#list").children.length,
  getComputedStyle(document.querySelector("#css")).color])()`;
const CHANGED = ["Bold friend", '<p id="html" title="t"><b class="x">Bold</b></p>', "rgb(1, 2, 3)", 2, "rgb(4, 5, 6)"];

const WAYS = [
  ["without a policy", "", "script"],
  ["where wasm is refused", "default-src 'self'", "plain"],
  ["where wasm is allowed", "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'", "script"],
  ["with Trusted Types", "require-trusted-types-for 'script'; trusted-types 'none'", "script"],
  ["where everything inline is refused", "default-src 'none'; script-src 'self'; connect-src 'self'", "plain"],
];

for (const [way, policy, source] of WAYS) {
  test(`all changes are made ${way}`, async () => {
    const { page, context, refused, look, errors } = await open(policy);
    await until(async () => (await look(LOOK))?.[0] === CHANGED[0]);
    assert.deepEqual(await look(LOOK), CHANGED);
    assert.equal((await look("splitlight.init()")).source, source);
    // What the page of the test before has sent on its way out may still come.
    await until(() => site.events().length > 0);
    await look('splitlight.track("view")');
    await page.reload();
    await until(async () => (await look('document.querySelector("#fans").textContent')) === "Fan");
    assert.deepEqual(errors, []);
    // The attempt to start the wasm is the only way to know, and Chromium notes it.
    assert.deepEqual(refused.filter((text) => !/wasm|WebAssembly/i.test(text)), []);
    assert.equal(site.requests.some(({ url }) => url.endsWith("/plain.js")), source === "plain");
    await context.close();
  });
}

test("a browser without WebAssembly gets the same, and one without the file as well keeps the original", async () => {
  const init = () => delete window.WebAssembly;
  const old = await open("", TAG, init);
  await until(async () => (await old.look(LOOK))?.[0] === CHANGED[0]);
  assert.deepEqual(await old.look(LOOK), CHANGED);
  assert.deepEqual(await old.all(), []);
  assert.deepEqual(old.warnings, []);
  await old.context.close();
  site.parts = false;
  const bare = await open("", TAG, init);
  await sleep(300);
  assert.equal((await bare.look(LOOK))[0], "Old");
  assert.deepEqual(await bare.look('splitlight.init().then(({ ok }) => [ok, splitlight.variation("hero", "x")])'), [false, "x"]);
  // Events need no core.
  await bare.look('splitlight.track("view")');
  await until(() => site.events().some(({ name }) => name === "view"));
  assert.deepEqual(await bare.all(), []);
  assert.equal(bare.warnings.length, 1);
  await bare.context.close();
});

test("a nonce is enough, also under strict-dynamic, and it reaches what is loaded later", async () => {
  const tag = TAG.replace(" data-key", ' nonce="n0nce" data-key');
  for (const policy of ["script-src 'nonce-n0nce'", "script-src 'nonce-n0nce' 'strict-dynamic'"]) {
    const { context, look, errors } = await open(policy, tag);
    await until(async () => (await look(LOOK))?.[0] === CHANGED[0]);
    assert.equal((await look("splitlight.init()")).source, "plain");
    assert.deepEqual(errors, []);
    await context.close();
    const refused = await open(policy);
    await sleep(200);
    assert.equal((await refused.look(LOOK))[0], "Old", "the policy is in force");
    await refused.context.close();
  }
});

test("integrity is checked: the script runs when it is the one that was meant", async () => {
  const digest = createHash("sha384").update(site.script).digest("base64");
  const withDigest = (it) => TAG.replace(" data-key", ` integrity="sha384-${it}" crossorigin="anonymous" data-key`);
  const good = await open("", withDigest(digest));
  await until(async () => (await good.look(LOOK))?.[0] === CHANGED[0]);
  assert.deepEqual(await good.all(), []);
  await good.context.close();
  const bad = await open("", withDigest(digest.replace(/^./, (first) => (first === "A" ? "B" : "A"))));
  await sleep(300);
  assert.equal((await bad.look(LOOK))[0], "Old");
  await bad.context.close();
});
