// The script tag in a real browser, against a server of its own that counts what arrives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, listen, part, scriptFor, sleep, until } from "./tag.mjs";

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", status: "running", pages: [{ include: "/" }], variations: [
      { key: "control", weight: 0 },
      { key: "bold", weight: 1, value: { color: "red" }, changes: [
        { selector: "#hero h1", text: "Bold" },
        { selector: ".item", class: { add: ["new"] } },
        { selector: "#late", html: "<b class=\"kept\" onclick=\"window.ran=1\">Late</b>" },
        { selector: "#fans", move: { position: "append", target: "#hero" } },
        { selector: "#plan", move: { position: "before", target: "#late" } },
      ] }] },
    { key: "plain", status: "running", variations: [{ key: "first", weight: 1 }, { key: "second", weight: 0 }] },
    { key: "moved", status: "running", pages: [{ include: "/old" }], variations: [
      { key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: "/new?own=1", keepQuery: true } }] },
    { key: "missing", status: "running", variations: [
      { key: "control", weight: 0 }, { key: "b", weight: 1, changes: [{ selector: "#nowhere", remove: true }] }] },
  ],
  personalizations: [
    { key: "gold", when: { plan: "gold" }, changes: [{ selector: "#plan", text: "Gold {{ name | friend }}" }] },
    { key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 2 } } },
      changes: [{ selector: "#fans", text: "Fan" }] },
    { key: "twice", pages: [{ include: "/more" }], cap: { times: 2, per: "session" },
      changes: [{ selector: "#plan", text: "Page {{ session.pages }} of visit {{ session.number }}" }] },
    { key: "hot", pages: [{ include: "/more" }], when: { $score: { score: "lead", tier: "hot" } },
      changes: [{ selector: "#fans", text: "Hot" }] },
    { key: "always", pages: [{ include: "/more" }], when: { $time: { zone: "visitor" } },
      changes: [{ selector: "#late", text: "{{ firstTouch.source | nowhere }}" }] },
  ],
  scores: [{ key: "lead", engagement: { events: [{ event: "pricing", points: 50, halfLife: "7d" }] } }],
  features: [
    { key: "checkout", default: "classic", rules: [
      { when: { plan: "gold" }, value: "gold" },
      { run: { key: "checkout-test", unit: "user", fallbackUnit: "visitor", sticky: true, variations: [
        { key: "a", weight: 0, value: "one" }, { key: "b", weight: 1, value: "two" }] } }] },
    { key: "off", default: false },
  ],
};

let script;
let served;
let origin;
let browser;
// What the collector does, and what it got.
let answer = 200;
let batches = [];
let headers = {};
let head = "";

// As the collector counts: an event that came twice, because a page ended before it heard the answer, is one event.
const events = () => [...new Map(batches.flatMap((batch) => batch.events).map((event) => [event.id, event])).values()];
const exposures = () => events().filter((event) => event.kind === "exposure").map((event) => event.experiment).sort();
before(async () => {
  script = scriptFor(config);
  served = await listen((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    if (pathname === "/_sl/sl.js") {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(script);
    } else if (pathname === "/_sl/e") {
      const parts = [];
      request.on("data", (part) => parts.push(part)).on("end", () => {
        if (answer === 200) batches.push(JSON.parse(Buffer.concat(parts)));
        response.writeHead(answer, { "access-control-allow-origin": "*" }).end("{}");
      });
    } else if (pathname.endsWith("/leave.js")) {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(part(pathname));
    } else if (["/", "/other", "/more", "/old", "/new"].includes(pathname)) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
      response.write(`<!doctype html><html><head><title>t</title>${head}</head><body><div id="hero"><h1>Orig`);
      // The parser stops in the middle of the headline that is to be changed.
      setTimeout(() => {
        response.write(`inal</h1></div><ul><li class="item">1</li><li class="item">2</li></ul><p id="plan">Free</p>`);
        setTimeout(() => response.end(`<p id="fans">None</p><p id="late">Soon</p></body></html>`), 120);
      }, 120);
    } else response.writeHead(404).end();
  });
  ({ origin } = served);
  browser = await chromium.launch({ executablePath, args });
});

after(async () => {
  await browser?.close();
  served?.close();
});

/** A page with everything it complained about; the context is new. */
async function open({ before = "", tag = TAG, path = "/", extra = {}, context, init } = {}) {
  head = before + tag;
  headers = extra;
  const own = context ?? await browser.newContext();
  const page = await own.newPage();
  const complaints = [];
  const warnings = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  await page.addInitScript(() => addEventListener("unhandledrejection", (event) => { throw event.reason; }));
  if (init) await page.addInitScript(init);
  await page.goto(origin + path);
  return { page, complaints, warnings, context: own };
}

const fresh = () => {
  batches = [];
  answer = 200;
};

test("changes are made before they can be seen, and exposures come once", async () => {
  fresh();
  const { page, complaints, context } = await open({
    init: () => {
      window.seen = new Set();
      const note = () => {
        window.seen.add(document.querySelector("h1")?.textContent);
        requestAnimationFrame(note);
      };
      requestAnimationFrame(note);
    },
  });
  await until(() => exposures().length === 1);
  const seen = await page.evaluate(() => [...window.seen].filter(Boolean));
  assert.deepEqual(seen, ["Bold"]);
  assert.equal(await page.locator(".item.new").count(), 2);
  assert.equal(await page.locator("#late").innerHTML(), '<b class="kept">Late</b>');
  assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("#hero > *, #plan, #late")].map(({ id }) => id)),
    ["", "fans", "plan", "late"], "what is moved is there once, in its new place");
  assert.deepEqual(exposures(), ["hero"], "what never appeared and what nobody read is not exposed");
  assert.equal(await page.evaluate(() => splitlight.variation("plain")), "first");
  await until(() => exposures().length === 2);
  assert.deepEqual(exposures(), ["hero", "plain"]);
  assert.deepEqual(await page.evaluate(() => [
    splitlight.variation("hero"), splitlight.variation("nothing", "x"), splitlight.value("hero"),
  ]), ["bold", "x", { color: "red" }]);
  const hero = await page.evaluate(() => splitlight.decisions()[0]);
  assert.deepEqual(hero, { key: "hero", kind: "experiment", variation: "bold", reason: "assigned", applied: true });
  const [{ key, visitor, config, sdk }] = batches;
  assert.equal(visitor, await page.evaluate(() => splitlight.visitorId()));
  assert.deepEqual([key, config, sdk], ["sl_write_x", "hash-1", "browser/0.1.0"]);
  await page.reload();
  await sleep(500);
  assert.deepEqual(exposures(), ["hero", "plain"], "the same session does not meet it again");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what is tracked arrives, within the limits", async () => {
  fresh();
  const { page, complaints, context } = await open({
    path: "/other", before: '<script>splitlight=[["track","early",{a:1}]];splitlight.push((sl)=>sl.track("fn"))</script>',
  });
  await page.evaluate(() => {
    const loop = {};
    loop.loop = loop;
    splitlight.track("buy", { value: 49.6, category: "x", nested: { deep: [1.5] } });
    splitlight.track("count", 3);
    splitlight.track("bad", loop);
    splitlight.track("");
    splitlight.track("big", { text: "x".repeat(5000) });
    splitlight.push(["track", "pushed", { value: NaN }]);
  });
  const named = () => new Map(events().filter(({ kind }) => kind === "conversion").map((event) => [event.name, event]));
  await until(() => named().size === 5);
  assert.equal(named().get("buy").value, 50);
  assert.deepEqual(named().get("buy").properties, { category: "x", nested: { deep: [1.5] } });
  assert.equal(named().get("count").value, 3);
  assert.equal("value" in named().get("pushed"), false);
  assert.equal(named().get("early").page, "/other");
  const dropped = Object.fromEntries(events().filter(({ kind }) => kind === "dropped").map(({ name, value }) => [name, value]));
  assert.deepEqual(dropped, { properties: 1, name: 1, oversize: 1 });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a collector that is down loses nothing, and hears little", async () => {
  fresh();
  answer = 503;
  let requests = 0;
  const { page, complaints, context } = await open({ path: "/other" });
  page.on("request", (request) => (requests += request.url().endsWith("/e") ? 1 : 0));
  await page.evaluate(() => splitlight.track("kept"));
  await sleep(1500);
  assert.ok(requests <= 4, `${requests} requests`);
  await page.close({ runBeforeUnload: false });
  answer = 200;
  const again = await open({ path: "/other", context });
  await until(() => events().some((event) => event.name === "kept"));
  assert.deepEqual([...complaints, ...again.complaints], []);
  const left = await again.page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return new Promise((resolve) => {
      const request = indexedDB.open("splitlight");
      request.onsuccess = () => {
        const count = request.result.transaction("outbox").objectStore("outbox").count();
        count.onsuccess = () => resolve(count.result);
      };
    });
  });
  assert.equal(left, 0);
  await context.close();
});

test("blocked storage and refused wasm leave the page as it is", async () => {
  fresh();
  const blocked = await open({ extra: { "content-security-policy": "sandbox allow-scripts" } });
  await until(() => exposures().length === 1);
  assert.equal(await blocked.page.locator("h1").textContent(), "Bold");
  fresh();
  const refused = await open({ extra: { "content-security-policy": "script-src 'self'" } });
  await sleep(300);
  assert.equal(await refused.page.locator("h1").textContent(), "Original");
  assert.equal(refused.warnings.length, 1, refused.warnings.join());
  const cdp = await refused.context.newCDPSession(refused.page);
  const expression = 'splitlight.track("x"); splitlight.setAttributes({}); splitlight.variation("hero", "fallback")';
  const { result } = await cdp.send("Runtime.evaluate", { expression });
  assert.equal(result.value, "fallback");
  assert.deepEqual([...blocked.complaints, ...refused.complaints], []);
  await blocked.context.close();
  await refused.context.close();
});

test("before consent nothing is stored or sent, and denial takes everything away", async () => {
  fresh();
  const tag = TAG.replace(" data-key", ' data-consent="pending" data-key');
  const { page, complaints, context } = await open({ tag });
  const stored = () => page.evaluate(async () => [
    document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
  ]);
  await page.evaluate(() => splitlight.track("early"));
  await sleep(300);
  assert.deepEqual(await stored(), ["", 0, 0, 0]);
  assert.deepEqual(batches, []);
  assert.equal(await page.locator("h1").textContent(), "Bold", "decided in memory");
  await page.evaluate(() => splitlight.consent("granted"));
  assert.equal(await page.locator("h1").textContent(), "Bold");
  await until(() => exposures().length === 1);
  await page.evaluate(() => splitlight.consent("denied"));
  await sleep(300);
  assert.deepEqual(await stored(), ["sl_consent=denied", 0, 0, 0]);
  assert.equal(await page.locator("h1").textContent(), "Bold");
  assert.equal(await page.evaluate(() => splitlight.visitorId()), null);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("attributes join, history is for the next page, a second tag does nothing", async () => {
  fresh();
  const before = '<script>splitlight_config={attributes:{name:"<Ana>"}}</script>';
  const { page, complaints, context } = await open({ before, tag: TAG + TAG });
  await page.evaluate(() => {
    splitlight.setAttributes(JSON.parse('{"plan":"gold","__proto__":{"x":1}}'));
    splitlight.track("view");
    splitlight.track("view");
  });
  assert.equal(await page.locator("#plan").textContent(), "Gold <Ana>");
  assert.equal(await page.evaluate(() => ({}).x), undefined);
  assert.equal(await page.locator("#fans").textContent(), "None");
  await page.reload();
  assert.equal(await page.locator("#fans").textContent(), "Fan");
  await until(() => exposures().includes("fans"));
  assert.deepEqual(exposures(), ["fans", "gold", "hero"]);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what the edge rendered is exposed and not made again", async () => {
  fresh();
  const handover = { config: "hash-1", attributes: { plan: "gold" },
    decisions: [{ key: "hero", variation: "bold", reason: "assigned", left: [1] }] };
  const before = `<script type="application/json" id="splitlight-handover">${JSON.stringify(handover)}</script>`;
  const { page, complaints, context } = await open({ before });
  await until(() => exposures().length === 2);
  assert.deepEqual(exposures(), ["gold", "hero"]);
  assert.equal(await page.locator("h1").textContent(), "Original", "the edge would have changed it");
  assert.equal(await page.locator(".item.new").count(), 2);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("features are decided, reading one is meeting its experiment, and a kept variation stays", async () => {
  fresh();
  const { page, complaints, context } = await open({ path: "/other" });
  await sleep(400);
  assert.deepEqual(exposures(), [], "nobody has read anything");
  const read = () => page.evaluate(() => [
    splitlight.feature("checkout"), splitlight.isOn("off"), splitlight.feature("none", "fallback"),
  ]);
  assert.deepEqual(await read(), ["two", false, "fallback"]);
  await until(() => exposures().length === 1);
  assert.deepEqual(exposures(), ["checkout-test"]);
  const sticky = (await context.cookies()).find((cookie) => cookie.name === "sl_sticky").value;
  assert.match(sticky, /checkout-test!0!b$/);
  await page.evaluate(() => splitlight.identify("user-7"));
  assert.deepEqual(await read(), ["two", false, "fallback"]);
  const both = (await context.cookies()).find((cookie) => cookie.name === "sl_sticky").value;
  assert.notEqual(both, sticky, "the signed-in user keeps it too");
  await page.evaluate(() => splitlight.setAttributes({ plan: "gold" }));
  assert.equal((await read())[0], "gold");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("caps, sessions, scores and the visitor's clock work on the device", async () => {
  fresh();
  const { page, complaints, context } = await open({ path: "/more?utm_source=mail" });
  await until(() => exposures().length === 2);
  const text = (selector) => page.locator(selector).textContent();
  assert.deepEqual(exposures(), ["always", "twice"]);
  assert.deepEqual([await text("#plan"), await text("#late")], ["Page 1 of visit 1", "mail"]);
  await page.goto(`${origin}/more`);
  await until(async () => (await text("#plan")) === "Page 2 of visit 1");
  assert.equal(await text("#late"), "mail", "how they came first is remembered");
  await page.evaluate(() => {
    for (let i = 0; i < 3; i++) splitlight.track("pricing");
  });
  await page.goto(`${origin}/more`);
  await until(async () => (await text("#fans")) === "Hot");
  assert.equal(await text("#plan"), "Free", "it was shown twice in this session");
  const reason = await page.evaluate(() => splitlight.decisions().find(({ key }) => key === "twice").reason);
  assert.equal(reason, "cap");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a variation that is another page is met there, once, and the parameters go along", async () => {
  fresh();
  const { page, complaints, context } = await open({ path: "/old?a=1&own=2#part" });
  await page.waitForURL(`${origin}/new?own=1&a=1`);
  await until(() => exposures().includes("moved"));
  assert.equal(batches.flatMap((batch) => batch.events).filter((event) => event.experiment === "moved").length, 1);
  assert.deepEqual(complaints, []);
  // The edge sends visitors itself, and leaves a note for the page they come to.
  fresh();
  await context.addCookies([{ name: "sl_met", value: "elsewhere~b", url: origin }]);
  await page.goto(`${origin}/new`);
  await until(() => exposures().includes("elsewhere"));
  assert.ok(!(await context.cookies()).some((cookie) => cookie.name === "sl_met"));
  await context.close();
});
