// A collector of a test's own with two shards, and what tests ask of its API.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_KEY, DUMPING, serve, splitlightWorker } from "../workerd.mjs";

export const CONFIG = {
  version: 1,
  project: "default",
  metrics: [{ key: "bought", kind: "proportion", event: "purchase" }, { key: "revenue", kind: "mean", event: "purchase", value: "value" }],
  experiments: [
    { key: "hero", variations: [{ key: "a" }, { key: "b", changes: [{ selector: "h1", text: "Hi" }] }], metrics: { primary: "bought", secondary: ["revenue"] } },
    { key: "next", status: "draft", variations: [{ key: "a" }, { key: "b" }] },
  ],
};

/** The first part of a stream, which is given up then. */
async function first(response) {
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** What `find` gives as soon as it gives anything, or an error that says what never came. */
export async function until(find, what, ms = 10_000) {
  for (const end = Date.now() + ms; ;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < end, `it never happened: ${what}`);
    await sleep(25);
  }
}

/** A receiver of webhooks that answers as `answer` says and remembers what came. */
export async function receiver() {
  const known = { got: [], answer: () => 200, at: {}, most: {} };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => { body += part; });
    request.on("end", async () => {
      const id = request.headers["webhook-id"];
      known.at[id] = (known.at[id] ?? 0) + 1;
      known.most[id] = Math.max(known.most[id] ?? 0, known.at[id]);
      const hook = { path: request.url, headers: request.headers, body, json: JSON.parse(body), id };
      known.got.push(hook);
      const status = await known.answer(hook);
      known.at[id] -= 1;
      if (status) response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
    });
  });
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  known.url = `http://127.0.0.1:${server.address().port}/hook`;
  known.stop = () => { server.closeAllConnections(); server.close(); };
  return known;
}

/** Starts a collector; `bindings` are more of its bindings, `state` the databases it begins with. */
export async function collector({ bindings = "", state, services = "", outbound = "", dumps = true } = {}) {
  const server = await serve({
    files: dumps ? { "dumping.js": DUMPING } : {}, splitlight: true, state, services: `(name = "main", worker = .main)${services}`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "2"), ${bindings}`, dumps ? { entry: "dumping.js", modules: [["worker/shim.js", "esModule"]], outbound } : { outbound }),
  });
  let base = server.base.main;
  const call = async (method, path, body, key = ADMIN_KEY, headers = {}) => {
    const response = await fetch(base + path, {
      method, body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
    });
    // A stream has no end to wait for.
    const text = response.headers.get("content-type") === "text/event-stream" ? await first(response) : await response.text();
    const type = response.headers.get("content-type") ?? "";
    return { status: response.status, headers: response.headers, text, json: /^application.(problem.)?json/.test(type) ? JSON.parse(text) : undefined };
  };
  const ok = async (...args) => {
    const answer = await call(...args);
    assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  let writeKey;
  return {
    base, call, ok, stop: server.stop, folder: server.folder, crash: server.crash,
    async restart() {
      await server.start();
      base = server.base.main;
    },
    async publish(config = CONFIG) {
      const published = await ok("PUT", "/v1/config", config);
      writeKey ??= (await ok("POST", "/v1/keys", { scope: "write" })).key;
      return published;
    },
    use(key) { writeKey = key; },
    async send(visitor, events, more = {}) {
      const body = { key: writeKey, visitor, sentAt: Date.now(), events, ...more };
      const response = await fetch(`${base}/_sl/e`, {
        method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 Chrome/140.0" },
      });
      return { status: response.status, ...(await response.json()) };
    },
    results: async (key = "hero") => ok("GET", `/v1/experiments/${key}/results`),
    async until(holds) {
      for (let tries = 0; ; tries += 1) {
        const found = await this.results();
        if (holds(found)) return found;
        assert.ok(tries < 150, `the results never became right: ${JSON.stringify(found)}`);
        await sleep(50);
      }
    },
    dump: async (age = 0) => (await fetch(`${base}/dump?age=${age}`)).json(),
  };
}

export const exposure = (variation, experiment = "hero") => ({ id: randomUUID(), kind: "exposure", experiment, variation, time: Date.now() });
export const both = () => [exposure("a"), exposure("b")];
export const purchase = (value, properties) => ({ id: randomUUID(), kind: "conversion", name: "purchase", value, time: Date.now(), properties });

/** Of two equal variations, the one that a visitor is in: the public hash, version 2. */
export function variationOf(visitor, experiment = "hero") {
  const fnv = (text) => [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5);
  return fnv(`${fnv(experiment + visitor)}`) % 10_000 < 5000 ? "a" : "b";
}
