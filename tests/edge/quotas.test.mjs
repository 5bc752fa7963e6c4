// Quotas keep one visitor or one address from taking what is the others', and honest ones never meet them.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sender } from "../load/_sender.mjs";
import { assign } from "../load/visitors.mjs";
import { ADMIN_KEY, publish, serve, splitlightWorker } from "../workerd.mjs";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";
/** Of `protocol::limits`: what a visitor, and an address, may send at once and per second. */
const VISITOR = { burst: 1200, perSecond: 2 };
const SOURCE = { burst: 6000, perSecond: 100 };
const CONFIG = {
  version: 1, project: "default",
  metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }],
  experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
};
const services = {};
let server;

before(async () => {
  const names = ["visitors", "sources", "office", "strict"];
  server = await serve({
    files: {}, splitlight: true, sockets: Object.fromEntries(names.map((name) => [name, name])),
    services: names.map((name) => `(name = "${name}", worker = .${name})`).join(", "),
    constants: names.map((name) => splitlightWorker(name, name === "strict" ? `(name = "VISITORS", text = "signed")` : "")).join(""),
  });
  for (const name of names) {
    const base = server.base[name];
    await publish(base, CONFIG);
    const made = await fetch(`${base}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    services[name] = { base, key: (await made.json()).key, post: sender(base, 32) };
  }
});
after(async () => {
  for (const { post } of Object.values(services)) post.close();
  await server?.stop();
});

const bought = (value = 1) => ({ id: randomUUID(), kind: "conversion", name: "purchase", value, time: Date.now() });
const events = (count) => Array.from({ length: count }, () => bought());
async function send({ key, post }, visitor, list, headers = {}) {
  const answer = await post("/_sl/e", JSON.stringify({ key, visitor, sentAt: Date.now(), events: list }), { "content-type": "text/plain", "user-agent": AGENT, ...headers });
  return { status: answer.status, wait: Number(answer.headers["retry-after"]), body: JSON.parse(answer.text), headers: answer.headers };
}
const from = (address) => ({ "cf-connecting-ip": address });
/** The statuses of many answers, counted. */
const tally = (answers) => answers.reduce((all, { status }) => ({ ...all, [status]: (all[status] ?? 0) + 1 }), {});

it("a visitor over quota is told when to come back, comes back then, and hurts nobody else", async (test) => {
  const at = services.visitors;
  const greedy = randomUUID();
  const flood = Array.from({ length: 60 }, () => send(at, greedy, events(100)));
  const times = [];
  const others = await Promise.all(Array.from({ length: 200 }, async () => {
    const begun = performance.now();
    const answer = await send(at, randomUUID(), events(5));
    times.push(performance.now() - begun);
    return answer;
  }));
  assert.deepEqual(tally(others), { 200: 200 });
  const answers = await Promise.all(flood);
  const { 200: taken, 429: refused } = tally(answers);
  assert.deepEqual([taken, refused], [VISITOR.burst / 100, 60 - VISITOR.burst / 100]);
  for (const { wait, headers } of answers.filter(({ status }) => status === 429)) {
    assert.ok(wait >= 1 && wait <= 100 / VISITOR.perSecond + 1, `${wait}`);
    assert.equal(headers["content-type"], "application/problem+json");
  }
  // It has come by an event or two since then.
  let [one, refusal] = [];
  do {
    one = [bought()];
    refusal = await send(at, greedy, one);
  } while (refusal.status === 200);
  assert.equal(refusal.status, 429);
  await sleep(1000 * refusal.wait);
  // What was refused was not stored: it is new.
  assert.equal((await send(at, greedy, one)).body.accepted, 1);
  test.diagnostic(`${taken} of 60 batches of one visitor taken; 200 others all taken, the slowest in ${Math.max(...times).toFixed(0)} ms`);
});

it("an address at ten times its rate gets its rate, and another address and the results do not notice", async (test) => {
  const at = services.sources;
  const begun = performance.now();
  let [taken, refused, honest] = [0, 0, 0];
  const attack = Array.from({ length: 16 }, async () => {
    while (performance.now() - begun < 3000) {
      // Each time somebody else, who never met a variation.
      const { status, wait } = await send(at, randomUUID(), events(100), from("203.0.113.9"));
      if (status === 200) taken += 100;
      else {
        refused += 100;
        assert.deepEqual([status, wait >= 1], [429, true]);
      }
    }
  });
  let [users, revenue] = [0, 0];
  while (performance.now() - begun < 3000) {
    const visitor = randomUUID();
    const met = { id: randomUUID(), kind: "exposure", experiment: "hero", variation: assign("hero", visitor, ["a", "b"]), time: Date.now() };
    const { status, body } = await send(at, visitor, [met, bought(7)], from("198.51.100.1"));
    assert.deepEqual([status, body.accepted], [200, 2]);
    [users, revenue, honest] = [users + 1, revenue + 7, honest + 2];
    await sleep(20);
  }
  await Promise.all(attack);
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(taken <= SOURCE.burst + SOURCE.perSecond * (seconds + 1), `${taken} in ${seconds} s`);
  assert.ok(refused > taken, `${refused} refused, ${taken} taken`);
  const found = async () => (await fetch(`${at.base}/v1/experiments/hero/results`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).json();
  for (let tries = 0; tries < 60 && (await found()).totalUsers !== users; tries += 1) await sleep(100);
  const { totalUsers, results } = await found();
  const sum = results[0].metrics[0].variations.reduce((all, { analyses }) => all + analyses[0].numerator, 0);
  assert.deepEqual([totalUsers, sum], [users, revenue]);
  test.diagnostic(`of ${taken + refused} events of the flood ${taken} were taken, all ${honest} of the other address, and the results have only those`);
});

it("an office behind one address is not refused below 100 events a second and 6,000 at once", async (test) => {
  const at = services.office;
  const people = await Promise.all(Array.from({ length: 400 }, () => send(at, randomUUID(), events(15), from("192.0.2.1"))));
  assert.deepEqual(tally(people), { 200: 400 });
  // It has nothing left but its rate, and that it gets, whoever of them comes.
  const begun = performance.now();
  let sent = 0;
  while (sent < 3 * SOURCE.perSecond * 0.9) {
    await sleep(Math.max(0, (1000 * (sent + 10)) / (0.9 * SOURCE.perSecond) - (performance.now() - begun)));
    const answers = await Promise.all([send(at, randomUUID(), events(5), from("192.0.2.1")), send(at, randomUUID(), events(5), from("192.0.2.1"))]);
    assert.deepEqual(tally(answers), { 200: 2 }, `after ${sent} events`);
    sent += 10;
  }
  test.diagnostic(`6000 events at once and ${sent} in ${((performance.now() - begun) / 1000).toFixed(1)} s of 454 visitors behind one address, none refused`);
  const greedy = await Promise.all(Array.from({ length: 10 }, () => send(at, randomUUID(), events(100), from("192.0.2.1"))));
  // What the slower pace has left fits one of them, or two.
  assert.ok(tally(greedy)[429] >= 8, "the address had more than its rate");
});

it("where ids are signed, nobody uses up the quota of a visitor whose id they know", async () => {
  const at = services.strict;
  const visitor = randomUUID();
  const signature = createHmac("sha256", Buffer.from("0f".repeat(32), "hex")).update(visitor).digest().subarray(0, 16).toString("base64url");
  const forged = await Promise.all(Array.from({ length: 30 }, () => send(at, visitor, events(100), { cookie: `sl_id=${visitor}.${"A".repeat(22)}` })));
  assert.deepEqual(tally(forged), { 200: 30 });
  assert.ok(forged.every(({ body }) => body.accepted === 0 && body.rejected === 100));
  const own = await send(at, visitor, events(100), { cookie: `sl_id=${visitor}.${signature}` });
  assert.deepEqual([own.status, own.body.accepted], [200, 100]);
});
