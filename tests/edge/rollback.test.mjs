// An exception in the middle of a shard's transaction leaves nothing behind: the real Worker in a workerd of its own,
// with a storage that fails on demand.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const { SPLITLIGHT_WORKERD: workerd, SPLITLIGHT_OUT: out } = process.env;
if (!workerd || !out) throw new Error("SPLITLIGHT_WORKERD or SPLITLIGHT_OUT is not set: run `cargo xtask test edge`");

// Wraps the shard's SQL: the statement whose text matches `fail` throws, until another request changes it.
const FAULTY = `
import main, { Shard as Sound, Rollup, Project } from "./shim.js";
let fail = null;
export { Rollup, Project };
export class Shard extends Sound {
  constructor(ctx, env) {
    const sql = ctx.storage.sql;
    const exec = sql.exec.bind(sql);
    Object.defineProperty(sql, "exec", { value(text, ...rest) {
      if (fail && text.includes(fail)) throw new Error("the disk is on fire");
      return exec(text, ...rest);
    } });
    super(ctx, env);
  }
}
export default class extends main {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/fail") return super.fetch(request);
    fail = url.searchParams.get("on");
    return new Response("ok");
  }
}`;

const config = (dir, port) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "state", disk = (path = "${dir}/state", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [
    (name = "faulty.js", esModule = embed "faulty.js"), (name = "shim.js", esModule = embed "shim.js"),
    (name = "index.js", esModule = embed "index.js"), (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  compatibilityDate = "2026-10-01",
  durableObjectNamespaces = [
    (className = "Shard", uniqueKey = "s", enableSql = true), (className = "Rollup", uniqueKey = "r", enableSql = true),
    (className = "Project", uniqueKey = "p", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "state"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "Shard"), (name = "ROLLUP", durableObjectNamespace = "Rollup"),
    (name = "PROJECT", durableObjectNamespace = "Project"), (name = "SHARDS", text = "1"),
    (name = "ADMIN_KEY", text = "sl_admin_test"),
  ],
);`;

let dir, child, base, writeKey;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const admin = (method, path, body) =>
  fetch(base + path, { method, body: body && JSON.stringify(body), headers: { authorization: "Bearer sl_admin_test" } });
const send = (visitor, events) =>
  fetch(`${base}/_sl/e`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 Chrome/140.0" },
    body: JSON.stringify({ key: writeKey, visitor, sentAt: Date.now(), events }),
  });
const revenue = async () => {
  const found = await (await admin("GET", "/v1/experiments/hero/results")).json();
  const sums = found.results[0].metrics[0].variations.map(({ analyses }) => analyses[0].numerator);
  return { users: found.totalUsers, revenue: sums[0] + sums[1] };
};

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "splitlight-rollback-"));
  await mkdir(join(dir, "state"));
  for (const name of ["shim.js", "index.js", "index_bg.wasm"]) await copyFile(join(out, "worker", name), join(dir, name));
  await writeFile(join(dir, "faulty.js"), FAULTY);
  const port = await freePort();
  await writeFile(join(dir, "config.capnp"), config(dir, port));
  child = spawn(workerd, ["serve", join(dir, "config.capnp")], { stdio: ["ignore", "inherit", "ignore"] });
  base = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`${base}/v1/health`).catch(() => null);
    if (answer?.ok) break;
    assert.ok(tries < 200, "workerd did not start");
    await sleep(50);
  }
  const published = await admin("PUT", "/v1/config", {
    version: 1,
    project: "default",
    metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }],
    experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
  });
  assert.equal(published.status, 200, await published.text());
  writeKey = (await (await admin("POST", "/v1/keys", { scope: "write" })).json()).key;
});

after(async () => {
  child?.kill("SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

for (const [nth, statement] of ["INSERT INTO events", "INTO visitors", "INTO aggregates"].entries()) {
  it(`a failure at ${statement} undoes the statements before it`, async () => {
    const before = await revenue();
    const time = Date.now();
    const met = ["a", "b"].map((variation) => ({ id: randomUUID(), kind: "exposure", experiment: "hero", variation, time }));
    const events = [...met, { id: randomUUID(), kind: "conversion", name: "purchase", value: 500, time }];
    await fetch(`${base}/fail?on=${encodeURIComponent(statement)}`);
    const failed = await send(`v-${nth}`, events);
    assert.equal(failed.status, 503, await failed.text());
    assert.ok(Number(failed.headers.get("retry-after")) > 0);
    await fetch(`${base}/fail`);
    // Were an id left behind, this would be a duplicate; were a sum left behind, it would count twice.
    const answer = await (await send(`v-${nth}`, events)).json();
    assert.equal(answer.duplicate, 0, JSON.stringify(answer));
    assert.equal(answer.accepted, 2, JSON.stringify(answer));
    for (let tries = 0; (await revenue()).users === before.users; tries += 1) {
      assert.ok(tries < 100, "the results never changed");
      await sleep(50);
    }
    assert.deepEqual(await revenue(), { users: before.users + 1, revenue: before.revenue + 500 });
  });
}
