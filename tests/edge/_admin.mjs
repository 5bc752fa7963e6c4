// A collector of a test's own with two shards, and what tests ask of its API.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
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

/** Starts a collector; `bindings` are more of its bindings, `state` the databases it begins with. */
export async function collector({ bindings = "", state, services = "", outbound = "", dumps = true } = {}) {
  const server = await serve({
    files: dumps ? { "dumping.js": DUMPING } : {}, splitlight: true, state, services: `(name = "main", worker = .main)${services}`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "2"), ${bindings}`, dumps ? { entry: "dumping.js", modules: [["worker/shim.js", "esModule"]], outbound } : { outbound }),
  });
  const base = server.base.main;
  const call = async (method, path, body, key = ADMIN_KEY, headers = {}) => {
    const response = await fetch(base + path, {
      method, body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
    });
    const text = await response.text();
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
    base, call, ok, stop: server.stop, folder: server.folder,
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
