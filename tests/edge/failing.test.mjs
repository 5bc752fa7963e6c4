// What happens to pages when the core aborts, and when the config does not answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_KEY, publish, script, serve, splitlightWorker } from "../workerd.mjs";

const ORIGIN = `
const html = "<!doctype html><html><head></head><body><h1>Original</h1></body></html>";
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  const encoder = new TextEncoder();
  if (pathname === "/slow") await new Promise((done) => setTimeout(done, 300));
  const body = pathname !== "/late" ? html : new ReadableStream({ async start(out) {
    out.enqueue(encoder.encode(html.slice(0, 60)));
    await new Promise((done) => setTimeout(done, 600));
    out.enqueue(encoder.encode(html.slice(60)));
    out.close();
  } });
  return new Response(body, { headers: { "content-type": "text/html" } });
} };`;

// A page object that points outside of the core's memory: touching it is an abort like a panic is one.
const FAULTY = `
import main, { Shard, Rollup, Project as Sound } from "./worker/shim.js";
import * as core from "./worker/index.js";
export { Shard, Rollup };
let delay = 0;
export class Project extends Sound {
  async fetch(request) {
    if (delay > 0) await new Promise((done) => setTimeout(done, delay));
    return super.fetch(request);
  }
}
const abort = () => { const page = Object.create(core.Stream.prototype); page.__wbg_ptr = 0x7ffffff0; page.isDone(); };
export default class extends main {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/delay") { delay = Number(url.search.slice(1)); return new Response("ok"); }
    if (url.searchParams.has("held")) await new Promise((done) => setTimeout(done, 50));
    if (url.pathname === "/abort") { try { abort(); return new Response("it went on"); } catch (error) { return new Response(String(error)); } }
    if (url.searchParams.has("abort")) {
      // In the middle of deciding: the core reads the binding, and aborts there.
      const real = this.env;
      const env = new Proxy(real, { get(target, name) { if (name === "COOKIE_KEY") abort(); return target[name]; } });
      Object.defineProperty(this, "env", { value: env, configurable: true });
      try { return await super.fetch(request); } finally { Object.defineProperty(this, "env", { value: real, configurable: true }); }
    }
    return super.fetch(request);
  }
}`;
const CONFIG = {
  version: 1, project: "default",
  experiments: [{ key: "all", variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [{ selector: "h1", text: "Changed" }] }] }],
};
let server, edge, mute;

before(async () => {
  const worker = (name) => splitlightWorker(name, `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`, { entry: "faulty.js", modules: [["worker/shim.js", "esModule"]] });
  server = await serve({
    files: { "origin.js": ORIGIN, "faulty.js": FAULTY }, splitlight: true,
    services: `${script("origin", "origin.js")}, (name = "edge", worker = .edge), (name = "mute", worker = .mute)`,
    sockets: { edge: "edge", mute: "mute" }, constants: worker("edge") + worker("mute"),
  });
  await publish(`${server.base.mute}/_sl`, CONFIG);
  // What it knows by publishing is forgotten; the project object has it.
  await server.crash();
  await server.start();
  ({ edge, mute } = server.base);
  await publish(`${edge}/_sl`, CONFIG);
});
after(() => server?.stop());

async function load(path, site = edge) {
  const begun = performance.now();
  const response = await fetch(site + path, { headers: { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156" } });
  const text = await response.text();
  return { status: response.status, text, ms: performance.now() - begun };
}
const changed = async () => assert.match((await load("/")).text, /<h1>Changed</);

test("an abort while deciding answers with the origin's page at once, and the next request works", async () => {
  await changed();
  const times = [];
  for (let at = 0; at < 5; at += 1) {
    const { status, text, ms } = await load("/?abort");
    assert.equal(status, 200);
    assert.match(text, /<h1>Original</);
    times.push(ms);
    await changed();
  }
  assert.ok(Math.min(...times) < 50, `${times} ms`);
});

test("an abort elsewhere gives those who wait the origin's page", async () => {
  await changed();
  const waiting = load("/slow");
  await new Promise((done) => setTimeout(done, 100));
  assert.match((await load("/abort")).text, /memory access|unreachable|RuntimeError/);
  const { status, text } = await waiting;
  assert.equal(status, 200);
  assert.match(text, /<h1>Original</);
  await changed();
});

test("a page that was on its way when the core aborted breaks off, and does not hang or end as if whole", async () => {
  await changed();
  const waiting = load("/late").then(({ text }) => text, (error) => error);
  await new Promise((done) => setTimeout(done, 200));
  await load("/abort");
  assert.ok(await waiting instanceof Error, "half a page looked whole");
  await changed();
});

test("nothing of an aborted instance reached the one that followed it", () => {
  assert.match(server.said, /the core aborted/);
  assert.doesNotMatch(server.said, /Rust panic/);
});

test("the API says that it was interrupted", async () => {
  const response = await fetch(`${edge}/_sl/v1/config?abort`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  // Refusing the query needs no secret, so the core may have answered before.
  assert.ok([400, 502].includes(response.status), String(response.status));
  await changed();
});

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

test("a config that does not answer delays no page by more than 50 ms", async (t) => {
  await fetch(`${mute}/delay?60000`);
  const times = { waited: [], after: [], held: [] };
  for (let at = 0; at < 8; at += 1) {
    for (const [kind, path] of [["waited", "/"], ["after", "/"], ["held", "/?held"]]) {
      const { status, text, ms } = await load(path, mute);
      assert.equal(status, 200);
      assert.match(text, /<h1>Original</);
      times[kind].push(ms);
    }
    // By then a page waits again.
    await sleep(1050);
  }
  // A busy machine only adds time, and to a page that a timer of 50 ms holds back as much as to one that waits.
  const least = Object.fromEntries(Object.entries(times).map(([kind, all]) => [kind, Math.min(...all)]));
  t.diagnostic(`least ms: ${JSON.stringify(least)}`);
  assert.ok(least.waited <= least.held, `a page waited for longer than 50 ms: ${JSON.stringify(times)}`);
  assert.ok(least.waited >= least.after + 20, `nobody waited, so that nothing was tried: ${JSON.stringify(times)}`);
  assert.ok(least.after <= least.held - 30, `the page after one that waited waits as well: ${JSON.stringify(times)}`);
});

test("a config that is always slow is there for the pages after the first", async () => {
  await server.crash();
  await server.start();
  ({ edge, mute } = server.base);
  await fetch(`${mute}/delay?300`);
  assert.match((await load("/", mute)).text, /<h1>Original</);
  await sleep(1000);
  assert.match((await load("/", mute)).text, /<h1>Changed</);
});
