// What the Worker writes to its log when something fails: a JSON object per line, in which no visitor is named.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";

const ID = "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d";
const SECRETS = [ID, "ana@shop.test", "secret-campaign", "private-page", "203.0.113.9", "Ghent", "sl_id", "Mozilla"];
// A core that aborts, a config that does not answer, and an origin whose error tells everything.
const FAULTY = `
import main, { Shard, Rollup, Project as Sound } from "./worker/shim.js";
import * as core from "./worker/index.js";
export { Shard, Rollup };
export class Project extends Sound {
  async fetch(request) {
    if (this.env.BROKEN) throw new Error("no table of ${ID} at " + request.url + " for ana@shop.test");
    return this.env.MUTE ? new Promise(() => {}) : super.fetch(request);
  }
}
const abort = () => { const page = Object.create(core.Stream.prototype); page.__wbg_ptr = 0x7ffffff0; page.isDone(); };
export default class extends main {
  async fetch(request) {
    const real = this.env;
    const fetch = async () => { throw new Error("no way to " + request.url + " with " + request.headers.get("cookie")); };
    const lost = Object.create(Object.getPrototypeOf(real.ORIGIN ?? {}), { fetch: { value: fetch } });
    const env = new Proxy(real, { get(target, name) {
      if (name === "COOKIE_KEY" && request.url.includes("/abort")) abort();
      return name === "ORIGIN" && request.url.includes("/lost") ? lost : target[name];
    } });
    Object.defineProperty(this, "env", { value: env, configurable: true });
    return super.fetch(request);
  }
}`;
const ORIGIN = `export default { fetch: () => new Response("<h1>Original</h1>", { headers: { "content-type": "text/html" } }) };`;
const CONFIG = {
  version: 1, project: "default",
  experiments: [{ key: "all", variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [{ selector: "h1", text: "Changed" }] }] }],
};
let server, output = "";

before(async () => {
  const worker = (name, bindings) => splitlightWorker(name, `(name = "ASSETS", service = "origin"), ${bindings}`, { entry: "faulty.js", modules: [["worker/shim.js", "esModule"]] });
  server = await serve({
    files: { "origin.js": ORIGIN, "faulty.js": FAULTY }, splitlight: true, hear: (text) => { output += text; },
    services: `${script("origin", "origin.js")}, ${["edge", "orphan", "mute", "broken"].map((name) => `(name = "${name}", worker = .${name})`).join(", ")}`,
    sockets: { edge: "edge", orphan: "orphan", mute: "mute", broken: "broken" },
    constants: worker("edge", `(name = "ORIGIN", service = "origin"), (name = "PAGE_CACHE", text = "sometimes")`)
      + worker("orphan", `(name = "ORIGIN_URL", text = "http://127.0.0.1:1")`)
      + worker("mute", `(name = "ORIGIN", service = "origin"), (name = "MUTE", text = "1")`)
      + worker("broken", `(name = "ORIGIN", service = "origin"), (name = "BROKEN", text = "1")`),
  });
  await publish(`${server.base.edge}/_sl`, CONFIG);
});
after(() => server?.stop());

async function load(site, path) {
  const headers = {
    accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", cookie: `sl_id=${ID}; mail=ana@shop.test`,
    "x-cf-blob": JSON.stringify({ city: "Ghent" }), "cf-connecting-ip": "203.0.113.9",
  };
  const response = await fetch(`${server.base[site]}/private-page${path}?utm_campaign=secret-campaign&mail=ana@shop.test`, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** The lines that came since the last time, as what they say. */
async function heard() {
  await new Promise((done) => setTimeout(done, 300));
  const all = output.split("\n").filter(Boolean);
  output = "";
  for (const secret of SECRETS) assert.ok(!all.some((line) => line.includes(secret)), `${secret} is in ${all.join("\n")}`);
  // The runtime has a log of its own, of what it hears of the network.
  const lines = all.filter((line) => !/^(workerd\/|stack: )/.test(line));
  return lines.map((line) => {
    const found = JSON.parse(line);
    assert.deepEqual([Object.keys(found).sort(), found.source], [["detail", "event", "source"], "splitlight"]);
    return found.event;
  });
}

test("a setting that is not understood is said once", async () => {
  await load("edge", "");
  assert.deepEqual(await heard(), ["setting-unknown"]);
  await load("edge", "");
  assert.deepEqual(await heard(), []);
});

test("a core that fails is said without who asked for what", async () => {
  assert.equal(await load("edge", "/abort"), 200);
  assert.deepEqual(await heard(), ["core-failed"]);
  // The next core reads the settings again.
  await load("edge", "");
  assert.deepEqual(await heard(), ["setting-unknown"]);
});

test("an origin that is not there is said without the page", async () => {
  assert.equal(await load("orphan", ""), 502);
  assert.deepEqual(await heard(), ["origin-unreachable"]);
  assert.equal(await load("edge", "/lost"), 502);
  assert.deepEqual(await heard(), ["origin-unreachable"]);
});

test("a config that does not answer is said once, and not for every page", async () => {
  assert.equal(await load("mute", ""), 200);
  assert.equal(await load("mute", ""), 200);
  assert.deepEqual(await heard(), ["config-silent"]);
});

test("a storage that fails is said of pages, events and the API alike", async () => {
  assert.equal(await load("broken", ""), 200);
  const event = { id: ID, time: Date.now(), kind: "conversion", name: "view" };
  const body = JSON.stringify({ key: "sl_write_x", visitor: ID, sentAt: Date.now(), events: [event] });
  assert.equal((await fetch(`${server.base.broken}/_sl/e`, { method: "POST", body })).status, 503);
  const headers = { authorization: `Bearer ${ID}` };
  assert.equal((await fetch(`${server.base.broken}/_sl/v1/config`, { headers })).status, 503);
  assert.deepEqual(await heard(), ["project-silent", "storage-silent", "storage-silent"]);
});
