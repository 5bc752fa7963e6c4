// An exception in the middle of a shard's transaction leaves nothing behind: the real Worker in a workerd of its own,
// with a storage that fails on demand.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_KEY, serve, splitlightWorker } from "../workerd.mjs";

// Wraps the shard's SQL: a statement whose text matches `fail`, or every one from the `from`th on, throws `how`, until
// another request changes it.
const FAULTY = `
import main, { Shard as Sound, Rollup, Project } from "./worker/shim.js";
let fail = null, from = Infinity, how = "";
export { Rollup, Project };
export class Shard extends Sound {
  constructor(ctx, env) {
    const sql = ctx.storage.sql;
    const exec = sql.exec.bind(sql);
    Object.defineProperty(sql, "exec", { value(text, ...rest) {
      if ((fail && text.includes(fail)) || --from < 0) throw new Error(how);
      return exec(text, ...rest);
    } });
    super(ctx, env);
  }
}
export default class extends main {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/fail") return super.fetch(request);
    const left = from;
    fail = url.searchParams.get("on");
    from = Number(url.searchParams.get("from") ?? Infinity);
    how = url.searchParams.get("how") ?? "the disk is on fire";
    return Response.json(left);
  }
}`;

let server, base, writeKey;

const admin = (method, path, body) =>
  fetch(base + path, { method, body: body && JSON.stringify(body), headers: { authorization: `Bearer ${ADMIN_KEY}` } });
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
  server = await serve({
    files: { "faulty.js": FAULTY }, splitlight: true,
    services: `(name = "main", worker = .main)`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "1")`, { entry: "faulty.js", modules: [["worker/shim.js", "esModule"]] }),
  });
  base = server.base.main;
  const published = await admin("PUT", "/v1/config", {
    version: 1,
    project: "default",
    metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }],
    experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
  });
  assert.equal(published.status, 200, await published.text());
  writeKey = (await (await admin("POST", "/v1/keys", { scope: "write" })).json()).key;
});

after(() => server?.stop());

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

const purchase = () => {
  const time = Date.now();
  const met = ["a", "b"].map((variation) => ({ id: randomUUID(), kind: "exposure", experiment: "hero", variation, time }));
  return [...met, { id: randomUUID(), kind: "conversion", name: "purchase", value: 500, time }];
};

it("a failure at any statement of the transaction leaves nothing half done", async (test) => {
  const first = await revenue();
  let failures = 0;
  for (let from = 0; ; from += 1) {
    assert.ok(from < 60, "the transaction never came through");
    const events = purchase();
    await fetch(`${base}/fail?from=${from}`);
    const answer = await send(`v-any-${from}`, events);
    await fetch(`${base}/fail`);
    const again = await (await send(`v-any-${from}`, events)).json();
    if (answer.status === 200) {
      assert.equal(again.duplicate, 3, "what was acknowledged is there");
      break;
    }
    failures += 1;
    assert.equal(answer.status, 503, await answer.text());
    assert.deepEqual([again.accepted, again.duplicate], [2, 0], `after statement ${from}`);
  }
  test.diagnostic(`failed at each of ${failures} statements`);
  assert.ok(failures >= 5, `${failures}`);
  const wanted = { users: first.users + failures + 1, revenue: first.revenue + 500 * (failures + 1) };
  for (let tries = 0; tries < 100 && (await revenue()).users !== wanted.users; tries += 1) await sleep(50);
  assert.deepEqual(await revenue(), wanted);
});

it("a full disk is said to be one, and the same events are taken once there is room", async () => {
  const events = purchase();
  await fetch(`${base}/fail?on=INSERT&how=${encodeURIComponent("database or disk is full: SQLITE_FULL")}`);
  const refused = await send("v-full", events);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "60");
  assert.equal((await refused.json()).title, "Storage full");
  await fetch(`${base}/fail`);
  assert.deepEqual((await (await send("v-full", events)).json()).accepted, 2);
});
