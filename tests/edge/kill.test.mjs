// `kill -9` under load: what was acknowledged is there, and nothing is counted twice. The same storm over a Worker that
// keeps events in memory first must lose some, or it would prove nothing.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_KEY, DATE, publish, serve, splitlightWorker } from "../workerd.mjs";
import { assign } from "../load/visitors.mjs";

const KILLS = Number(process.env.SPLITLIGHT_KILLS ?? 5);
const CONNECTIONS = 16;
const VALUE = 7;

/** Sends batches from many connections while the server is killed again and again; every batch, in the end acknowledged. */
async function storm(server, kills, make, send) {
  const batches = [];
  let over = false;
  let [failures, acknowledged] = [0, 0];
  const sender = async () => {
    while (!over) {
      const batch = make();
      batches.push(batch);
      batch.acknowledged = await send(batch).catch(() => (failures += 1, false));
      if (batch.acknowledged) acknowledged += 1;
      else await sleep(20);
    }
  };
  const senders = Array.from({ length: CONNECTIONS }, sender);
  for (let nth = 0; nth < kills; nth += 1) {
    // In the middle of the work, wherever that is: not before a busy machine has come so far.
    const enough = acknowledged + 40;
    for (let tries = 0; tries < 1000 && acknowledged < enough; tries += 1) await sleep(5);
    await sleep(50 * Math.random());
    await server.crash();
    await server.start();
  }
  await sleep(100);
  over = true;
  await Promise.all(senders);
  return { batches, failures };
}

it(`${KILLS} kills lose nothing that was acknowledged and count nothing twice`, { timeout: 600_000 }, async (test) => {
  const server = await serve({
    files: {}, splitlight: true, services: `(name = "main", worker = .main)`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "2")`),
  });
  try {
    await publish(server.base.main, {
      version: 1, project: "default",
      metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }],
      experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
    });
    const admin = { authorization: `Bearer ${ADMIN_KEY}` };
    const { key } = await (await fetch(`${server.base.main}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers: admin })).json();
    const make = () => {
      const [visitor, time] = [randomUUID(), Date.now()];
      const met = { id: randomUUID(), kind: "exposure", experiment: "hero", variation: assign("hero", visitor, ["a", "b"]), time };
      const bought = Array.from({ length: 4 }, () => ({ id: randomUUID(), kind: "conversion", name: "purchase", value: VALUE, time }));
      // One comes twice in the same batch.
      return { visitor, events: [met, ...bought, bought[0]] };
    };
    const answer = async ({ visitor, events }) => {
      const response = await fetch(`${server.base.main}/_sl/e`, {
        method: "POST", signal: AbortSignal.timeout(10_000),
        headers: { "content-type": "text/plain", "user-agent": "Mozilla/5.0 Chrome/140.0" },
        body: JSON.stringify({ key, visitor, sentAt: Date.now(), events }),
      });
      return response.ok && response.json();
    };
    const { batches, failures } = await storm(server, KILLS, make, answer);
    let [lost, stored] = [0, 0];
    const answers = batches.flatMap(({ acknowledged }) => acknowledged || []);
    for (const { accepted, duplicate, rejected } of answers) assert.equal(accepted + duplicate + rejected, 6);
    let accepted = answers.reduce((sum, answer) => sum + answer.accepted, 0);
    const queue = batches.values();
    await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
      for (const batch of queue) {
        // Sent again, an event that is there is a duplicate; one whose answer got lost may be either.
        const again = await answer(batch);
        accepted += again.accepted;
        if (batch.acknowledged) lost += 6 - again.duplicate;
        else stored += again.duplicate === 6 ? 1 : 0;
      }
    }));
    const purchases = batches.length * 4;
    let revenue;
    for (let tries = 0; tries < 100 && revenue !== purchases * VALUE; tries += 1) {
      await sleep(100);
      const results = await (await fetch(`${server.base.main}/v1/experiments/hero/results`, { headers: admin })).json();
      revenue = results.results[0].metrics[0].variations.reduce((sum, { analyses }) => sum + analyses[0].numerator, 0);
    }
    test.diagnostic(`${KILLS} kills: ${6 * (batches.length - failures)} events acknowledged, ${failures} batches failed, ${stored} of them stored though their answer got lost; ` +
      `${lost} acknowledged events lost, ${revenue / VALUE - purchases} of ${purchases} purchases too many or too few`);
    assert.ok(failures > 0, "no kill hit a request");
    assert.ok(batches.filter((batch) => batch.acknowledged).length >= 40 * KILLS, "the storm was a breeze");
    assert.equal(lost, 0);
    // Every event that was made was accepted once, but for those whose acceptance nobody heard of.
    assert.equal(accepted + 5 * stored, 5 * batches.length);
    assert.equal(revenue, purchases * VALUE);
  } finally {
    await server.stop();
  }
});

const BUFFERED = `import { DurableObject } from "cloudflare:workers";
export class Buffer extends DurableObject {
  waiting = [];
  async fetch(request) {
    const sql = this.ctx.storage.sql;
    sql.exec("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY)");
    const ids = await request.json();
    if (new URL(request.url).pathname === "/known") {
      const known = ids.filter((id) => sql.exec("SELECT 1 FROM events WHERE id = ?", id).toArray().length);
      return Response.json(known.length);
    }
    this.waiting.push(...ids);
    if (this.waiting.length >= 500) for (const id of this.waiting.splice(0)) sql.exec("INSERT OR IGNORE INTO events VALUES (?)", id);
    return new Response("ok");
  }
}
export default { fetch: (request, env) => env.BUFFER.getByName("one").fetch(request) };`;

it("the same storm over a buffer in memory loses events", { timeout: 60_000 }, async (test) => {
  const server = await serve({
    files: { "buffered.js": BUFFERED }, sockets: { main: "main" }, services: `(name = "main", worker = .main)`,
    constants: `const main :Workerd.Worker = (modules = [(name = "buffered.js", esModule = embed "buffered.js")],
      compatibilityDate = "${DATE}", durableObjectNamespaces = [(className = "Buffer", uniqueKey = "buffer", enableSql = true)],
      durableObjectStorage = (localDisk = "state"), bindings = [(name = "BUFFER", durableObjectNamespace = "Buffer")]);`,
  });
  try {
    const post = (path, ids) => fetch(server.base.main + path, { method: "POST", body: JSON.stringify(ids) });
    const make = () => ({ ids: Array.from({ length: 5 }, () => randomUUID()) });
    const { batches } = await storm(server, 3, make, async ({ ids }) => (await post("/", ids)).ok);
    const acknowledged = batches.filter((batch) => batch.acknowledged).flatMap(({ ids }) => ids);
    const lost = acknowledged.length - await (await post("/known", acknowledged)).json();
    test.diagnostic(`3 kills: ${lost} of ${acknowledged.length} acknowledged events lost`);
    assert.ok(lost > 0);
  } finally {
    await server.stop();
  }
});
