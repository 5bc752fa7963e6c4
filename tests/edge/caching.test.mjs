// A page of one visitor is never another's: a shared cache in front of the edge, and browsers that keep pages.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";

const ORIGIN = `
const html = "<!doctype html><html><head></head><body><h1>Original</h1></body></html>";
let asked = [];
export default { fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/asked") { const list = asked; asked = []; return Response.json(list); }
  asked.push(request.headers.get("if-none-match"));
  const headers = { "content-type": "text/html", etag: '"v1"', "last-modified": "Sat, 01 Nov 2026 00:00:00 GMT", "cache-control": "public, max-age=600, s-maxage=600", "cdn-cache-control": "max-age=600", vary: "accept-language" };
  if (request.headers.get("if-none-match")?.includes('"v1"')) return new Response(null, { status: 304, headers });
  return new Response(html, { headers });
} };`;
const CONFIG = {
  version: 1, project: "default",
  experiments: [{
    key: "half", pages: [{ include: "/page" }],
    variations: [{ key: "control" }, { key: "on", changes: [{ selector: "h1", text: "Changed" }] }],
  }],
  personalizations: [
    { key: "place", pages: [{ include: "/page" }], when: { "geo.city": { $exists: true } }, changes: [{ selector: "h1", attribute: { name: "data-city", value: "{{ geo.city }}" } }] },
  ],
};
const agent = "Mozilla/5.0 Chrome/156";
let server, none, browser;

before(async () => {
  const worker = (name, more = "") =>
    splitlightWorker(name, `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")${more}`);
  server = await serve({
    files: { "origin.js": ORIGIN }, splitlight: true,
    services: `${script("origin", "origin.js")}, (name = "none", worker = .none), (name = "browser", worker = .browser)`,
    sockets: { none: "none", browser: "browser", origin: "origin" },
    constants: worker("none") + worker("browser", `, (name = "PAGE_CACHE", text = "browser")`),
  });
  ({ none, browser } = server.base);
  for (const site of [none, browser]) await publish(`${site}/_sl`, CONFIG);
});
after(() => server?.stop());

const load = (site, path, headers = {}) => fetch(site + path, { headers: { accept: "text/html", "user-agent": agent, ...headers } });

/** A cache as shared ones are: keeps what may be kept for everybody, by address and by what `Vary` names. */
function sharedCache(site) {
  const kept = new Map();
  return async (path, headers) => {
    for (const { vary, answer } of kept.get(path) ?? []) {
      if (vary.every(([name, value]) => (headers[name] ?? "") === value)) return { ...answer, hit: true };
    }
    const response = await load(site, path, headers);
    const answer = { text: await response.text(), cookies: response.headers.getSetCookie() };
    const says = ["cache-control", "cdn-cache-control", "surrogate-control"].map((name) => response.headers.get(name) ?? "").join();
    const names = (response.headers.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
    // Validators alone let a cache guess, as the standard allows.
    const may = /max-age=[1-9]/.test(says) || response.headers.has("last-modified");
    if (response.status === 200 && may && !/private|no-store|no-cache/.test(says) && !names.includes("*")) {
      kept.set(path, [...(kept.get(path) ?? []), { vary: names.map((name) => [name, headers[name] ?? ""]), answer }]);
    }
    return answer;
  };
}

for (const option of ["none", "browser"]) {
  test(`1,000 visitors behind a shared cache get their own pages: PAGE_CACHE ${option}`, async () => {
    const site = server.base[option];
    const ask = sharedCache(site);
    const seen = { control: 0, on: 0 };
    const ids = new Set();
    let hits = 0;
    for (let at = 0; at < 1000; at += 1) {
      const id = at % 2 ? randomUUID() : undefined;
      const city = `City ${at}`;
      const headers = { "x-cf-blob": JSON.stringify({ city }), ...(id ? { cookie: `sl_id=${id}` } : {}) };
      const { text, cookies, hit } = await ask("/page", headers);
      assert.ok(!hit, "a personal page came from the cache");
      const { decisions, attributes } = JSON.parse(/splitlight-handover">(.*?)<\/script>/s.exec(text)[1]);
      const { variation } = decisions.find(({ key }) => key === "half");
      seen[variation] += 1;
      assert.equal(text.includes(">Changed</h1>"), variation === "on");
      assert.ok(text.includes(`data-city="${city}"`) && attributes.geo.city === city, "another visitor's city");
      const own = cookies.find((cookie) => cookie.startsWith("sl_id="));
      assert.ok(own, "no id was set, or the browser's own was not signed");
      const uuid = own.slice(6).split(/[.;]/)[0];
      assert.ok(!ids.has(uuid) && (id === undefined || uuid === id), "another visitor's id");
      ids.add(uuid);
      // A page on which nothing runs is everybody's, and comes from the cache.
      const other = await ask("/other", headers);
      assert.deepEqual(other.cookies, []);
      hits += other.hit ? 1 : 0;
    }
    assert.ok(seen.control > 400 && seen.on > 400, JSON.stringify(seen));
    assert.equal(hits, 999);
  });
}

test("the shared cache of this test would mix up pages that the edge left cacheable", async () => {
  const ask = sharedCache(server.base.origin);
  await ask("/page", {});
  assert.ok((await ask("/page", {})).hit);
});

test("a browser that keeps pages is told when its page is the same, and only then", async () => {
  const first = await load(browser, "/page");
  assert.equal(first.headers.get("cache-control"), "private, no-store", "a page that sets the id is kept by nobody");
  assert.equal(first.headers.get("etag"), null);
  const cookie = first.headers.getSetCookie().find((text) => text.startsWith("sl_id=")).split(";")[0];
  const again = await load(browser, "/page", { cookie });
  const etag = again.headers.get("etag");
  assert.equal(again.headers.get("cache-control"), "private, no-cache");
  assert.match(etag, /^W\/"v1~[0-9a-f]{16}"$/);
  assert.match(again.headers.get("vary"), /accept-language.*cookie/i);
  for (const name of ["last-modified", "cdn-cache-control"]) assert.equal(again.headers.get(name), null, name);
  await (await fetch(`${server.base.origin}/asked`)).json();

  const same = await load(browser, "/page", { cookie, "if-none-match": etag });
  assert.deepEqual([same.status, same.headers.get("etag"), same.headers.get("cache-control")], [304, etag, "private, no-cache"]);
  assert.equal(await same.text(), "");
  assert.deepEqual(await (await fetch(`${server.base.origin}/asked`)).json(), ['"v1"'], "the origin is asked about its own tag");

  // Another city, another consent, the origin's own tag and another visitor: none of them has this page.
  const others = [{ cookie, "x-cf-blob": JSON.stringify({ city: "Madrid" }) }, { cookie: `${cookie}; sl_consent=denied` }, {}];
  for (const headers of others) {
    const other = await load(browser, "/page", { ...headers, "if-none-match": etag });
    assert.equal(other.status, 200, JSON.stringify(headers));
    assert.match(await other.text(), /splitlight-handover|<h1>Original/);
  }
  for (const site of [none, browser]) {
    const old = await load(site, "/page", { cookie, "if-none-match": '"v1"' });
    assert.equal(old.status, 200, "a copy of the origin's page is no personalized page");
  }
  const untouched = await load(browser, "/other", { "if-none-match": '"v1"' });
  assert.equal(untouched.status, 304, "a page on which nothing runs is the origin's to answer for");
});
