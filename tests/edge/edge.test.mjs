// The edge in front of the demo shop, in workerd: run by `cargo xtask test`, which starts the stack.
import assert from "node:assert/strict";
import { test } from "node:test";

const stack = JSON.parse(process.env.SPLITLIGHT_STACK);
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function load(path, { cookie, headers } = {}) {
  const all = { accept: "text/html", "user-agent": CHROME, ...(cookie ? { cookie } : {}), ...headers };
  return fetch(stack.shop + path, { headers: all, redirect: "manual" });
}

async function page(path, options) {
  const response = await load(path, options);
  const html = await response.text();
  const element = /<script type="application\/json" id="splitlight-handover">(.*?)<\/script>/s.exec(html);
  const handover = element && JSON.parse(element[1]);
  const decided = Object.fromEntries((handover?.decisions ?? []).map((one) => [one.key, one]));
  return { response, html, handover, decided, raw: element?.[1], id: idOf(response) };
}

function idOf(response) {
  const cookie = response.headers.getSetCookie().find((text) => text.startsWith("sl_id="));
  return cookie?.slice("sl_id=".length).split(";")[0];
}

test("a new visitor gets an id once, and the same page again", async () => {
  const first = await page("/");
  const [uuid, signature] = first.id.split(".");
  assert.match(uuid, UUID);
  assert.match(signature, /^[\w-]{22}$/);
  const cookie = first.response.headers.getSetCookie().find((text) => text.startsWith("sl_id="));
  assert.match(cookie, /; Path=\/; Max-Age=34164000; SameSite=Lax$/);
  const again = await page("/", { cookie: `sl_id=${first.id}` });
  assert.equal(again.id, undefined);
  assert.equal(again.html, first.html);
});

test("a forged id is replaced, the browser's own is signed", async () => {
  const { id } = await page("/");
  const forged = await page("/", { cookie: `sl_id=${id.slice(0, -1)}${id.endsWith("A") ? "B" : "A"}` });
  assert.notEqual(forged.id?.split(".")[0], id.split(".")[0]);
  const own = "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d";
  const signed = await page("/", { cookie: `sl_id=${own}` });
  assert.equal(signed.id?.split(".")[0], own);
});

test("the hero changes for those who are assigned, and for nobody else", async () => {
  const seen = { control: 0, recommended: 0 };
  for (let visitor = 0; visitor < 60; visitor++) {
    const { html, decided } = await page("/");
    const { variation, reason } = decided["hero-copy"];
    assert.equal(reason, "assigned");
    seen[variation]++;
    const changed = html.includes("Picked with care, made to last");
    assert.equal(changed, variation === "recommended");
    assert.equal(html.includes("Good things for every day</h1>"), !changed);
  }
  assert.ok(seen.control > 10 && seen.recommended > 10, JSON.stringify(seen));
});

test("a forced variation is shown and says so", async () => {
  const { html, decided } = await page("/?hero-copy=recommended");
  assert.equal(decided["hero-copy"].reason, "forced");
  assert.ok(html.includes("Picked with care, made to last"));
});

test("Madrid is known by its city, rules about the past are the browser's", async () => {
  const madrid = await page("/", { cookie: "demo_city=Madrid" });
  assert.ok(madrid.html.includes("Delivered today in Madrid"));
  assert.equal(madrid.handover.attributes.geo.city, "Madrid");
  assert.equal(madrid.decided["electronics-home"].reason, "deferred");
  const paris = await page("/", { cookie: "demo_city=Paris" });
  assert.ok(!paris.html.includes("Delivered today"));
  assert.equal(paris.decided["madrid-offers"].reason, "audience");
});

test("nobody else may keep a personal page", async () => {
  const { response } = await page("/");
  assert.equal(response.headers.get("cache-control"), "private, no-store");
  for (const name of ["etag", "last-modified", "content-length"]) assert.equal(response.headers.get(name), null, name);
});

test("the hand-over is text, first in the head and once", async () => {
  const { html, raw } = await page("/", { headers: { referer: `${stack.shop}/</script><!--&` } });
  assert.doesNotMatch(raw, /[<>&\u2028\u2029]/);
  assert.match(html, /<head>\s*<script type="application\/json" id="splitlight-handover">/);
  assert.equal(html.split('id="splitlight-handover"').length, 2);
});

test("machines and pages fetched ahead get the origin's page", async () => {
  const plain = await (await fetch(`${stack.plain ?? stack.shop}/`)).text();
  for (const headers of [{ "user-agent": "Googlebot/2.1" }, { "sec-purpose": "prefetch;prerender" }]) {
    const { html, handover, id } = await page("/", { headers });
    assert.equal(handover, null);
    assert.equal(id, undefined);
    assert.ok(html.includes("Good things for every day</h1>"));
  }
  assert.ok(plain.includes("Good things for every day</h1>"));
});

test("without consent there is no cookie", async () => {
  const { id } = await page("/", { cookie: "sl_consent=denied" });
  assert.equal(id, undefined);
});

test("what is no page passes byte by byte", async () => {
  const bytes = async (url, options) => Buffer.from(await (await fetch(url, options)).arrayBuffer());
  for (const path of ["/shop.css", "/img/hero.svg", "/shop.js"]) {
    const through = await load(path);
    assert.equal(through.status, 200, path);
    assert.equal(idOf(through), undefined, path);
    if (stack.plain) {
      const found = Buffer.from(await through.arrayBuffer());
      assert.ok(found.equals(await bytes(stack.plain + path)), path);
    }
  }
});

test("what the origin does not have is its own 404", async () => {
  const response = await load("/no-such-page");
  assert.equal(response.status, 404);
  assert.equal(idOf(response), undefined);
});

test("the script carries the program and can be cached", async () => {
  const url = `${stack.shop}${stack.prefix}/sl.js`;
  const response = await fetch(url);
  const text = await response.text();
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.ok(!text.includes("@@PROGRAM@@") && !text.includes("@@SITE@@"));
  const etag = response.headers.get("etag");
  const again = await fetch(url, { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
});

test("the decide-only build carries the program and can be put into a page", async () => {
  const response = await fetch(`${stack.shop}${stack.prefix}/decide.js`);
  const text = await response.text();
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/javascript; charset=utf-8"]);
  assert.ok(!/@@(PROGRAM|WASM)@@/.test(text) && !/<\/script|<!--/i.test(text));
  const again = await fetch(response.url, { headers: { "if-none-match": response.headers.get("etag") } });
  assert.equal(again.status, 304);
  // Beside it the script is still the script.
  const script = await (await fetch(`${stack.shop}${stack.prefix}/sl.js`)).text();
  assert.ok(script.length > 2 * text.length);
});

test("the parts of the script are kept for a year, and the program can be had by itself", async () => {
  const own = `${stack.shop}${stack.prefix}`;
  const [path] = (await (await fetch(`${own}/sl.js`)).text()).match(/\/p\/[0-9a-f]{16}\//);
  const part = await fetch(`${own}${path}plain.js`);
  assert.equal(part.status, 200);
  assert.equal(part.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.match(part.headers.get("cache-control"), /immutable/);
  assert.equal(part.headers.get("access-control-allow-origin"), "*");
  assert.match(await part.text(), /export/);
  for (const none of ["/p/0000000000000000/plain.js", `${path}none.js`, "/p/../dashboard/index.html"]) {
    assert.equal((await fetch(own + none)).status, 404, none);
  }
  const program = await fetch(`${own}/program`);
  const site = await program.json();
  assert.match(site.config, /^[0-9a-f]{16}$/);
  assert.equal(Buffer.from(site.program, "base64").subarray(0, 3).toString(), "SPL");
  const etag = program.headers.get("etag");
  assert.equal((await fetch(`${own}/program`, { headers: { "if-none-match": etag } })).status, 304);
});
