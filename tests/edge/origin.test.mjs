// The edge in front of origins that are strange, slow, broken or not there: what is theirs stays theirs.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ADMIN_KEY, publish, script, serve, splitlightWorker } from "../workerd.mjs";

const PAGE = "<!doctype html><html><head><title>t</title></head><body><h1>Original</h1><p>rest</p></body></html>";
const ORIGIN = `
const html = ${JSON.stringify(PAGE)};
const type = { "content-type": "text/html; charset=utf-8" };
const utf16 = new Uint8Array([0xff, 0xfe, ...[...html].flatMap((c) => [c.charCodeAt(0), 0])]);
const gzipped = Uint8Array.from(atob("${gzipSync(PAGE).toString("base64")}"), (c) => c.charCodeAt(0));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const slow = () => new ReadableStream({
  async start(out) {
    const encoder = new TextEncoder();
    out.enqueue(encoder.encode(html.slice(0, -14)));
    await wait(2000);
    out.enqueue(encoder.encode("<p>late</p></body></html>"));
    out.close();
  },
});
const pages = {
  "/": () => new Response(html, { headers: type }),
  "/other": () => new Response(html, { headers: { ...type, etag: '"o"', "cache-control": "max-age=9" } }),
  "/500": () => new Response(html, { status: 500, headers: type }),
  "/404": () => new Response(html, { status: 404, headers: type }),
  "/redirect": () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
  "/204": () => new Response(null, { status: 204 }),
  "/json": () => new Response('{"h1":"<h1>Original</h1>"}', { headers: { "content-type": "application/json" } }),
  "/utf16": () => new Response(utf16, { headers: { "content-type": "text/html; charset=utf-16le" } }),
  "/gzip": () => new Response(gzipped, { encodeBody: "manual", headers: { ...type, "content-encoding": "gzip" } }),
  "/slow": () => new Response(slow(), { headers: type }),
  "/cookies": () => new Response(html, { headers: [["content-type", "text/html"], ["set-cookie", "a=1"], ["set-cookie", "b=2; Path=/x"]] }),
  "/round-a": () => new Response(html, { headers: type }),
  "/round-b": () => new Response(html, { headers: type }),
  "/ws": () => { const [client, server] = Object.values(new WebSocketPair()); server.accept(); return new Response(null, { status: 101, webSocket: client }); },
};
export default { async fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === "/echo") return new Response(request.method + " " + url.search + " " + (await request.text()));
  return pages[url.pathname]?.() ?? new Response("no such page", { status: 404 });
} };`;

const round = (from, to) => ({
  key: `round-${from}`, pages: [{ include: `/round-${from}` }],
  variations: [{ key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: `/round-${to}`, keepQuery: true } }],
});
const CONFIG = {
  version: 1, project: "default",
  experiments: [{
    key: "all", pages: [{ include: "/*" }, { exclude: "/other" }],
    variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [{ selector: "h1", text: "Changed" }] }],
  }, {
    key: "moved", pages: [{ include: "/gzip" }],
    variations: [{ key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: "/cookies", keepQuery: true } }],
  }, {
    ...round("a", "b"),
  }, {
    ...round("b", "a"),
  }, {
    key: "next", status: "draft", pages: [{ include: "/" }],
    variations: [{ key: "a" }, { key: "b", changes: [{ selector: "p", text: "The draft" }] }],
  }],
  personalizations: [
    { key: "pro", pages: [{ include: "/" }], when: { plan: "pro" }, changes: [{ selector: "p", text: "Pro" }] },
  ],
};
const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156" };
let server, edge, origin;

before(async () => {
  server = await serve({
    files: { "origin.js": ORIGIN }, splitlight: true,
    services: `${script("origin", "origin.js")}, (name = "edge", worker = .edge), (name = "orphan", worker = .orphan)`,
    sockets: { edge: "edge", orphan: "orphan", origin: "origin" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`)
      + splitlightWorker("orphan", `(name = "ORIGIN_URL", text = "http://127.0.0.1:1"), (name = "ASSETS", service = "origin")`),
  });
  ({ edge, origin } = server.base);
  for (const site of [edge, server.base.orphan]) await publish(`${site}/_sl`, CONFIG);
});
after(() => server?.stop());

async function answer(site, path) {
  const response = await fetch(site + path, { headers, redirect: "manual" });
  const kept = ["location", "content-type", "etag", "cache-control"].map((name) => response.headers.get(name));
  return { status: response.status, kept, body: Buffer.from(await response.arrayBuffer()).toString("latin1") };
}

test("a page is changed, and is then private to its visitor", async () => {
  const response = await fetch(`${edge}/`, { headers });
  assert.match(await response.text(), /<h1>Changed<\/h1>/);
  assert.equal(response.headers.get("cache-control"), "private, no-store");
});

for (const path of ["/500", "/404", "/redirect", "/204", "/json", "/utf16", "/other", "/nowhere"]) {
  test(`what is not a page to change passes byte for byte: ${path}`, async () => {
    assert.deepEqual(await answer(edge, path), await answer(origin, path));
  });
}

test("an origin that cannot be reached is said so, and nothing is made up", async () => {
  const response = await fetch(`${server.base.orphan}/`, { headers });
  assert.equal(response.status, 502);
  assert.match(await response.text(), /origin/i);
});

test("a variation that is another page is answered with its address, and the next page learns what was met", async () => {
  const response = await fetch(`${edge}/gzip?a=1`, { headers, redirect: "manual" });
  assert.deepEqual([response.status, response.headers.get("location")], [302, `${edge}/cookies?a=1`]);
  assert.equal(response.headers.get("cache-control"), "private, no-store");
  const cookies = response.headers.getSetCookie();
  assert.ok(cookies.some((cookie) => /^sl_met=moved~go; Path=\/; Max-Age=300; SameSite=Lax$/.test(cookie)), cookies.join());
  assert.ok(cookies.some((cookie) => cookie.startsWith("sl_id=")), "the visitor is the same there");
  const bot = await fetch(`${edge}/gzip`, { headers: { ...headers, "user-agent": "Googlebot/2.1 (bot; x)" }, redirect: "manual" });
  assert.equal(bot.status, 200);
});

test("redirects that lead back to where they began are not begun", async () => {
  for (const path of ["/round-a", "/round-b?round-a=go&round-b=go"]) {
    const response = await fetch(edge + path, { headers, redirect: "manual" });
    assert.equal(response.status, 200, path);
    assert.match(await response.text(), /<h1>Changed/);
  }
});

test("a page says why to who may ask, for a while", async () => {
  const authorization = `Bearer ${ADMIN_KEY}`;
  const make = (body, keys = { authorization }) => fetch(`${edge}/_sl/v1/explanations`, { method: "POST", headers: keys, body: JSON.stringify(body) });
  const made = await make({});
  const { query, token } = await made.json();
  assert.equal(made.status, 201);
  const place = { "x-cf-blob": JSON.stringify({ city: "Madrid" }) };
  const explained = await fetch(`${edge}/${query}&all=control`, { headers: { ...headers, ...place } });
  assert.deepEqual(["content-type", "cache-control"].map((name) => explained.headers.get(name)), ["application/json", "private, no-store"]);
  assert.deepEqual(explained.headers.getSetCookie(), []);
  const tree = await explained.json();
  const all = tree.experiments.find(({ key }) => key === "all");
  assert.deepEqual([all.variation, all.reason], ["control", "forced"]);
  assert.ok(all.gates.some(({ gate, open }) => gate === "page" && open), JSON.stringify(all.gates));
  assert.equal(tree.attributes.geo.city, "Madrid");
  for (const other of [`?sl_explain=${token.slice(0, -1)}`, `?sl_explain=9${token}`, "?sl_explain=", "?sl_explain"]) {
    const page = await fetch(`${edge}/${other}`, { headers });
    assert.match(page.headers.get("content-type"), /^text\/html/, other);
  }
  assert.equal((await make({ expiresIn: "2d" })).status, 400);
  assert.equal((await make({}, {})).status, 401);
});

test("what the site says of its visitor is left to the page", async () => {
  const html = await (await fetch(`${edge}/`, { headers })).text();
  const { decisions } = JSON.parse(/splitlight-handover">(.*?)<\/script>/s.exec(html)[1]);
  assert.equal(decisions.find(({ key }) => key === "pro").reason, "deferred");
});

test("a preview link shows a draft to who has it, until it is changed", async () => {
  const asked = await fetch(`${edge}/_sl/v1/previews`, {
    method: "POST", headers: { authorization: `Bearer ${ADMIN_KEY}` }, body: JSON.stringify({ item: "next", variation: "b" }),
  });
  const { query, ...answer } = await asked.json();
  assert.equal(asked.status, 201, JSON.stringify(answer));
  const shown = await (await fetch(`${edge}/${query}`, { headers })).text();
  assert.ok(shown.includes("<p>The draft</p>"), shown);
  assert.ok(/"key":"next","variation":"b","reason":"forced"/.test(shown));
  for (const other of ["", query.replace("~b~", "~a~"), query.slice(0, -1)]) {
    const page = await (await fetch(`${edge}/${other}`, { headers })).text();
    assert.ok(page.includes("<p>rest</p>"), other);
  }
});

test("the first bytes do not wait for the last", async () => {
  const begun = performance.now();
  const response = await fetch(`${edge}/slow`, { headers });
  const reader = response.body.getReader();
  const first = await reader.read();
  assert.ok(performance.now() - begun < 1500, "the first byte waited for the origin's last");
  let text = Buffer.from(first.value).toString();
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += Buffer.from(next.value).toString();
  assert.match(text, /<h1>Changed<\/h1>.*late/s);
});

test("a compressed page is read, and the origin's cookies all arrive", async () => {
  const gzipped = await fetch(`${edge}/gzip`, { headers });
  assert.match(await gzipped.text(), /<h1>Changed<\/h1>/);
  const response = await fetch(`${edge}/cookies`, { headers });
  await response.text();
  const cookies = response.headers.getSetCookie();
  assert.deepEqual(cookies.slice(0, 2), ["a=1", "b=2; Path=/x"]);
  assert.match(cookies[2], /^sl_id=/);
});

test("methods, bodies and queries arrive at the origin as they were sent", async () => {
  const response = await fetch(`${edge}/echo?x=%20y`, { method: "PUT", body: "héllo", headers });
  assert.equal(await response.text(), "PUT ?x=%20y héllo");
});

test("a WebSocket goes through", async () => {
  const { hostname, port } = new URL(edge);
  const status = await new Promise((done, fail) => {
    const socket = connect(Number(port), hostname, () => socket.write(
      `GET /ws HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`));
    socket.once("error", fail);
    socket.once("data", (data) => { done(String(data).split("\r\n")[0]); socket.destroy(); });
  });
  assert.match(status, /101/);
});
