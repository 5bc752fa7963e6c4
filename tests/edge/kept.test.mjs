// Pages that the data center keeps (`PAGE_CACHE` edge): whoever finds one would have been written the same.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";
import { CACHE } from "./_cache.mjs";

const ORIGIN = `
const html = "<!doctype html><html><head></head><body><h1>Original</h1><p>rest</p></body></html>";
const says = { "/private": { "cache-control": "private, max-age=60" }, "/cookie": { "set-cookie": "a=1" }, "/varies": { vary: "cookie" }, "/silent": { "cache-control": "" } };
let asked = 0;
export default { fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/asked") { const count = asked; asked = 0; return new Response(String(count)); }
  asked += 1;
  const headers = { "content-type": "text/html", etag: '"v1"', "cache-control": "public, max-age=600", vary: "accept-encoding", "x-own": "kept", ...says[pathname] };
  if (pathname === "/large") return new Response(html + "<p>large</p>".repeat(100000), { headers });
  if (pathname !== "/cut") return new Response(html, { headers });
  return new Response(new ReadableStream({ start(out) {
    out.enqueue(new TextEncoder().encode(html.slice(0, 70)));
    setTimeout(() => out.error(new Error("cut")), 50);
  } }), { headers });
} };`;
const CONFIG = {
  version: 1, project: "default",
  experiments: [{ key: "half", variations: [{ key: "control" }, { key: "on", changes: [{ selector: "h1", text: "Changed" }] }] }],
  personalizations: [{ key: "place", when: { "geo.city": { $exists: true } }, changes: [{ selector: "h1", attribute: { name: "data-city", value: "{{ geo.city }}" } }] }],
};
const CITIES = ["Madrid", "Paris", "Lima"];
let server, none, edge, mixed, bare;

before(async () => {
  const option = (name, cache) => splitlightWorker(name, `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin"), (name = "PAGE_CACHE", text = "edge")`,
    { more: cache ? `\n  cacheApiOutbound = "${cache}",` : "" });
  server = await serve({
    files: { "origin.js": ORIGIN, "cache.js": CACHE }, splitlight: true,
    services: `${script("origin", "origin.js")}, ${script("cache", "cache.js")}, ${script("confused", "cache.js", `(name = "IGNORES", text = "1")`)},
      (name = "none", worker = .none), (name = "edge", worker = .edge), (name = "mixed", worker = .mixed), (name = "bare", worker = .bare)`,
    sockets: { none: "none", edge: "edge", mixed: "mixed", bare: "bare", origin: "origin", cache: "cache" },
    constants: splitlightWorker("none", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`)
      + option("edge", "cache") + option("mixed", "confused") + option("bare"),
  });
  ({ none, edge, mixed, bare } = server.base);
  for (const site of [none, edge, mixed, bare]) await publish(`${site}/_sl`, CONFIG);
  // The first page of an isolate finds no program in its memory.
  for (const site of [none, edge, mixed, bare]) await load(site, "/other", signed());
});
after(() => server?.stop());

/** A cookie that the edge has set before: the key is that of every Worker in the tests. */
function signed(id = randomUUID()) {
  const signature = createHmac("sha256", Buffer.from("0f".repeat(32), "hex")).update(id).digest().subarray(0, 16);
  return { cookie: `sl_id=${id}.${signature.toString("base64url")}` };
}

async function load(site, path, headers = {}) {
  const response = await fetch(site + path, { headers: { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, kept: /splitlight-kept/.test(response.headers.get("server-timing") ?? "") };
}

const asked = async () => Number((await load(server.base.origin, "/asked")).text);
const place = (city) => ({ "x-cf-blob": JSON.stringify({ city }) });

/** Of 1,000 visitors, how many got another page than an edge without a cache writes for them. */
async function foreign(site) {
  const found = { foreign: 0, kept: 0 };
  for (let at = 0; at < 1000; at += 1) {
    const headers = { ...signed(), ...place(CITIES[at % CITIES.length]) };
    const [one, own] = [await load(site, "/page", headers), await load(none, "/page", headers)];
    found.foreign += one.text === own.text ? 0 : 1;
    found.kept += one.kept ? 1 : 0;
    assert.deepEqual(one.headers.getSetCookie(), []);
    assert.doesNotMatch(one.headers.get("cache-control"), /public|max-age/);
  }
  return found;
}

test("1,000 visitors share kept pages, and every one gets their own", async () => {
  await asked();
  const { foreign: others, kept } = await foreign(edge);
  assert.deepEqual([others, kept], [0, 1000 - 2 * CITIES.length]);
  assert.equal(await asked(), 1000 + 2 * CITIES.length, "a kept page asks nothing of the origin");
});

test("a cache that forgets the decisions mixes visitors up, and this test sees it", async () => {
  const { foreign: others, kept } = await foreign(mixed);
  assert.ok(others > 500 && kept === 999, JSON.stringify({ others, kept }));
});

test("who gets an id may get a kept page, but is not kept", async () => {
  const ids = new Set();
  for (let at = 0; at < 50; at += 1) {
    const { headers, text } = await load(edge, "/new");
    const [cookie, ...more] = headers.getSetCookie();
    assert.deepEqual(more, []);
    assert.equal(headers.get("cache-control"), "private, no-store");
    assert.equal(headers.get("etag"), null);
    const id = /^sl_id=([^.]+)\./.exec(cookie)[1];
    ids.add(id);
    assert.equal(text, (await load(none, "/new", signed(id))).text);
    if (at === 20) for (let other = 0; other < 20; other += 1) await load(edge, "/new", signed());
  }
  assert.equal(ids.size, 50);
  const held = await (await fetch(`${server.base.cache}/held`)).json();
  const fresh = held.filter(({ address }) => address.endsWith("/new"));
  assert.equal(fresh.length, 2, "one page for each variation, both from visitors who had an id");
  for (const { headers } of held) assert.ok(!headers.some(([name]) => /set-cookie|vary|server-timing/i.test(name)), JSON.stringify(headers));
});

test("a kept page is known by its tag", async () => {
  const visitor = signed();
  const first = await load(edge, "/tag", visitor);
  const etag = first.headers.get("etag");
  assert.match(etag, /^W\/"v1~[0-9a-f]{16}"$/);
  await asked();
  const same = await load(edge, "/tag", { ...visitor, "if-none-match": etag });
  assert.deepEqual([same.status, same.text, same.headers.get("etag"), same.kept], [304, "", etag, true]);
  const again = await load(edge, "/tag", { ...visitor, "if-none-match": '"v1"' });
  assert.deepEqual([again.status, again.headers.get("etag"), again.headers.get("x-own"), again.headers.get("age")], [200, etag, "kept", null]);
  assert.equal(again.headers.get("vary"), "cookie");
  assert.equal(await asked(), 0);
  const other = await load(edge, "/tag", { ...visitor, ...place("Rome"), "if-none-match": etag });
  assert.deepEqual([other.status, other.kept], [200, false]);
});

test("what the origin does not give to all is not kept, nor half a page, nor a very large one", async () => {
  for (const path of ["/private", "/cookie", "/varies", "/silent", "/large"]) {
    const visitor = signed();
    for (let at = 0; at < 2; at += 1) {
      const page = await load(edge, path, visitor);
      assert.deepEqual([page.status, page.kept], [200, false], path);
      assert.match(page.text, /<p>rest<\/p>.*<\/html>/s, path);
    }
  }
  const secret = { ...signed(), authorization: "Basic eA==" };
  for (let at = 0; at < 2; at += 1) assert.equal((await load(edge, "/secret", secret)).kept, false);
  for (let at = 0; at < 2; at += 1) await assert.rejects(load(edge, "/cut", signed()), "half a page looked whole");
});

test("a runtime without a cache serves the pages all the same", async () => {
  const visitor = signed();
  for (let at = 0; at < 2; at += 1) {
    const page = await load(bare, "/page", visitor);
    assert.equal(page.text, (await load(none, "/page", visitor)).text);
  }
});

test("a new config makes new pages at once", async () => {
  const visitor = signed();
  await load(edge, "/again", visitor);
  assert.ok((await load(edge, "/again", visitor)).kept);
  await publish(`${edge}/_sl`, { ...CONFIG, personalizations: [] });
  const next = await load(edge, "/again", visitor);
  assert.deepEqual([next.status, next.kept], [200, false]);
});

test("nobody can ask for the address of a kept page", async () => {
  const held = await (await fetch(`${server.base.cache}/held`)).json();
  for (const { address } of held.slice(0, 3)) assert.equal((await load(edge, new URL(address).pathname)).status, 404);
});
