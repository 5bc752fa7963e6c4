// Shards are added to a running project: nobody is in two, what comes again is known, and the sums are those of one shard.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_KEY, DUMPING, publish, serve, splitlightWorker } from "../workerd.mjs";
import { both, CONFIG, exposure, purchase } from "./_admin.mjs";

const headers = { authorization: `Bearer ${ADMIN_KEY}` };
const AGENT = "Mozilla/5.0 Chrome/140.0";
let sharded, alone;
const sent = [];

async function start(shards) {
  const server = await serve({
    files: { "dumping.js": DUMPING }, splitlight: true, services: `(name = "main", worker = .main)`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "${shards}"), (name = "EVENT_MONTHS", text = "25")`, { entry: "dumping.js", modules: [["worker/shim.js", "esModule"]] }),
  });
  await publish(server.base.main, CONFIG);
  const made = await fetch(`${server.base.main}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers });
  return { ...server, key: (await made.json()).key, server };
}

/** Ends the server, in the middle of whatever it does, and starts it with another number of shards. */
async function raise(shards) {
  await sharded.server.crash();
  const file = join(sharded.folder, "config.capnp");
  writeFileSync(file, readFileSync(file, "utf8").replace(/\(name = "SHARDS", text = "\d+"\)/, `(name = "SHARDS", text = "${shards}")`));
  await sharded.server.start();
}

before(async () => {
  sharded = await start(2);
  alone = await start(1);
});
after(() => Promise.all([sharded?.stop(), alone?.stop()]));

const base = (one) => one.server.base.main;
async function send(to, { visitor, events }, path = "/_sl/e") {
  const response = await fetch(base(to) + path, {
    method: "POST", body: JSON.stringify({ key: to.key, visitor, sentAt: Date.now(), events }), headers: { "content-type": "application/json", "user-agent": AGENT, ...(path === "/_sl/e" ? {} : headers) },
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

/** Sends batches to both, several at a time, some of them twice at once; what became of them in all. */
async function count(batches, again = false) {
  const totals = { accepted: 0, duplicate: 0, quarantined: 0, forgotten: 0 };
  const queue = batches.entries();
  await Promise.all(Array.from({ length: 12 }, async () => {
    for (const [at, batch] of queue) {
      const twice = at % 5 === 0 ? [send(sharded, batch), send(sharded, batch)] : [send(sharded, batch, at % 7 === 0 ? "/v1/events" : undefined)];
      const [first, second] = await Promise.all(twice);
      for (const answer of [first, second].filter(Boolean)) for (const name in totals) totals[name] += answer[name];
      if (!again) await send(alone, batch);
    }
  }));
  if (!again) sent.push(...batches);
  return totals;
}

const visitors = (count) => Array.from({ length: count }, () => randomUUID());
// The third says only that a page was viewed, which no metric asks about.
const batches = (names) => names.map((visitor, at) => ({ visitor, events: at % 3 === 2 ? [{ id: randomUUID(), kind: "page_view", time: Date.now() }] : [...both(), exposure("a", "gone"), purchase(10 + at)] }));

async function tables(shards) {
  const dump = await (await fetch(`${base(sharded)}/dump?shards=${shards}`)).json();
  const homes = new Map();
  for (let index = 0; index < shards; index += 1) {
    const { visitors: known = [], log = [] } = dump[`shard ${index}`];
    for (const visitor of new Set([...known.map(([id]) => id), ...log.map((row) => row[1])])) {
      assert.ok(!homes.has(visitor), `${visitor} is in shard ${homes.get(visitor)} and in shard ${index}`);
      homes.set(visitor, index);
    }
  }
  return { homes, layout: dump.project.meta.find(([name]) => name === "layout")[1], text: JSON.stringify(dump) };
}

async function sameSums() {
  const read = async (one) => {
    const { dateUpdated: _, ...found } = await (await fetch(`${base(one)}/v1/experiments/hero/results`, { headers })).json();
    return found;
  };
  let [left, right] = [];
  for (let tries = 0; tries < 60; tries += 1) {
    [left, right] = [await read(sharded), await read(alone)];
    if (JSON.stringify(left) === JSON.stringify(right)) break;
    await sleep(100);
  }
  assert.deepEqual(left, right);
  return left.totalUsers;
}

const forgotten = randomUUID();
let before2, old;

it("two shards count as one does", async () => {
  const names = visitors(120);
  assert.equal((await count(batches([forgotten, ...names]))).duplicate > 0, true);
  for (const one of [sharded, alone]) assert.equal((await fetch(`${base(one)}/v1/visitors/${forgotten}`, { method: "DELETE", headers })).status, 200);
  assert.equal(await sameSums(), 80);
  before2 = await tables(2);
  assert.equal(before2.layout, "2");
  assert.equal(before2.homes.size, 120);
  old = names;
});

it("with four, who was known stays, what comes again is known, and new visitors spread over all", async () => {
  await raise(4);
  const again = await count(sent, true);
  assert.deepEqual([again.accepted, again.quarantined > 0], [0, false], "an event was counted twice");
  assert.equal(again.forgotten > 0, true, "a forgotten visitor came back");
  await count(old.map((visitor, at) => ({ visitor, events: [purchase(1000 + at)] })));
  await count(batches(visitors(240)));
  await sameSums();
  const { homes, layout, text } = await tables(4);
  assert.equal(layout, "2,4");
  assert.equal(homes.size, 360);
  for (const visitor of old) assert.equal(homes.get(visitor), before2.homes.get(visitor), "somebody known moved");
  const shares = [0, 1, 2, 3].map((index) => [...homes.values()].filter((home) => home === index).length);
  assert.ok(shares.every((share) => share >= 35), `${shares}`);
  assert.ok(!text.includes(forgotten));
});

it("a smaller number changes nothing, and eight go on from four", async () => {
  for (const [shards, layout] of [[3, "2,4"], [8, "2,4,8"]]) {
    await raise(shards);
    const again = await count(sent, true);
    assert.deepEqual([again.accepted, again.quarantined], [0, 0]);
    await count(batches(visitors(120)));
    await sameSums();
    assert.equal((await tables(8)).layout, layout);
  }
  const { homes } = await tables(8);
  assert.equal(homes.size, 600);
  assert.equal(new Set(homes.values()).size, 8);
});

it("a visitor is found and forgotten wherever they are, and every event is exported once", async () => {
  const { homes } = await tables(8);
  for (const shard of [0, 3, 7]) {
    const [visitor] = [...homes].find(([, home]) => home === shard);
    const call = (method) => fetch(`${base(sharded)}/v1/visitors/${visitor}`, { method, headers });
    assert.equal((await (await call("GET")).json()).visitor, visitor);
    assert.equal((await (await call("DELETE")).json()).wasKnown, true);
    assert.equal((await call("GET")).status, 404);
    assert.equal((await send(sharded, { visitor, events: [purchase(1)] })).forgotten, 1);
    assert.ok(!(await tables(8)).text.includes(visitor));
    homes.delete(visitor);
  }
  const ids = [];
  for (let [cursor, more] = ["", "1"]; more === "1";) {
    const page = await fetch(`${base(sharded)}/v1/events?limit=100${cursor && `&cursor=${cursor}`}`, { headers });
    ids.push(...(await page.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line).id));
    [cursor, more] = [page.headers.get("splitlight-cursor"), page.headers.get("splitlight-more")];
  }
  assert.equal(new Set(ids).size, ids.length);
  const kept = new Set([...homes.keys()]);
  assert.equal(ids.length, sent.filter(({ visitor }) => kept.has(visitor)).reduce((sum, { events }) => sum + events.length, 0));
});
