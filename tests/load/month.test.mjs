// A month of visitors through the real intake: what the results say is what an independent count of the exported events
// says, what was planted is inside its interval, and every event that was made has one fate.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../edge/_admin.mjs";
import { ADMIN_KEY, publish, serve, splitlightWorker } from "../workerd.mjs";
import { CONFIG, PLANTED, makeVisitors } from "./_month.mjs";
import { recount } from "./_recount.mjs";
import { sender } from "./_sender.mjs";

const VISITORS = Number(process.env.SPLITLIGHT_VISITORS ?? 20_000);
const SEED = Number(process.env.SPLITLIGHT_SEED ?? 4);
const CONNECTIONS = 24;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";
/** Events that a browser's outbox holds; what does not fit is dropped, and told by an event of its own. */
const OUTBOX_MAX = 40;

let server, base, post, key, counted;

before(async () => {
  server = await serve({
    files: {}, splitlight: true, services: `(name = "main", worker = .main)`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "4")`),
  });
  base = server.base.main;
  post = sender(base, CONNECTIONS);
  await publish(base, CONFIG);
  key = (await (await api("/v1/keys", { method: "POST", body: '{"scope":"write"}' })).json()).key;
  counted = await month();
});
after(async () => {
  post?.close();
  await server?.stop();
});

const api = (path, more = {}) => fetch(base + path, { headers: { authorization: `Bearer ${ADMIN_KEY}` }, ...more });
const results = async (experiment) => (await api(`/v1/experiments/${experiment}/results`)).json();

const isMachine = (visitor) => Boolean(visitor.agent ?? visitor.automated);

/** Everybody's browser: made events go into an outbox, and batches of it to the intake, some of them twice. */
async function month() {
  const counts = { made: 0, dropped: 0, told: { people: 0, machines: 0 }, queued: 0, deliveries: 0, fates: {}, outcomes: {} };
  const visitors = makeVisitors(SEED, VISITORS, Date.now());
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (const visitor of visitors) {
      const fates = new Map();
      let unsaid = 0;
      for (const { events, sends } of visitor.outboxes) {
        const kept = events.slice(0, OUTBOX_MAX);
        unsaid += events.length - kept.length;
        counts.made += new Set(events.map(({ id }) => id)).size;
        counts.dropped += events.length - kept.length;
        if (unsaid > 0 && sends > 0) {
          kept.push({ id: randomUUID(), kind: "dropped", time: Date.now(), name: "overflow", value: unsaid });
          counts.made += 1;
          counts.told[isMachine(visitor) ? "machines" : "people"] += unsaid;
          unsaid = 0;
        }
        if (sends === 0) counts.queued += kept.length;
        for (let nth = 0; nth < sends; nth += 1) await deliver(visitor, kept, fates, counts);
      }
    }
  }));
  return counts;
}

/** Sends a batch; every event's first answer is its fate, and the next ones have to fit it. */
async function deliver(visitor, events, fates, counts) {
  const body = { key, visitor: visitor.id, sentAt: Date.now(), sdk: "month/1", automated: visitor.automated, events };
  const answer = await post("/_sl/e", JSON.stringify(body), { "content-type": "text/plain", "user-agent": visitor.agent ?? AGENT });
  assert.equal(answer.status, 200, answer.text);
  const { accepted, duplicate, rejected, outcomes } = JSON.parse(answer.text);
  assert.equal(accepted + duplicate + rejected, events.length);
  assert.deepEqual(outcomes.map(([id]) => id), events.map(({ id }) => id));
  counts.deliveries += events.length;
  for (const [id, outcome] of outcomes) {
    counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
    const fate = fates.get(id);
    const isKept = fate === "accepted" || (fate === "quarantined" && !isMachine(visitor));
    if (fate) assert.equal(outcome, isKept ? "duplicate" : fate);
    else {
      fates.set(id, outcome);
      counts.fates[outcome] = (counts.fates[outcome] ?? 0) + 1;
    }
  }
}

/** Every exported event, page by page. */
async function* exported() {
  for (let [cursor, more] = ["", "1"]; more === "1";) {
    const page = await api(`/v1/events?limit=10000${cursor && `&cursor=${cursor}`}`);
    for (const line of (await page.text()).split("\n")) if (line !== "") yield JSON.parse(line);
    [cursor, more] = [page.headers.get("splitlight-cursor"), page.headers.get("splitlight-more")];
  }
}

describe(`a month of ${VISITORS} visitors (seed ${SEED})`, () => {
  it("every event that was made has one fate", async (test) => {
    const { made, dropped, told, queued, deliveries, fates, outcomes } = counted;
    test.diagnostic(`${made} events made: ${JSON.stringify({ ...fates, dropped, queued })}; ${deliveries} delivered: ${JSON.stringify(outcomes)}`);
    const { accepted, quarantined, too_old: tooOld, invalid, ...others } = fates;
    for (const some of [accepted, quarantined, tooOld, invalid, dropped, queued, outcomes.duplicate]) assert.ok(some > 0);
    assert.deepEqual(others, {}, "the first delivery of an event cannot be a duplicate");
    assert.equal(made, accepted + quarantined + tooOld + invalid + dropped + queued);
    assert.equal(deliveries, outcomes.accepted + outcomes.duplicate + outcomes.quarantined + outcomes.too_old + outcomes.invalid);
    assert.equal(outcomes.accepted, accepted);
    assert.equal(told.people + told.machines, dropped, "everything that was dropped was told");
    await until(async () => (await (await api("/v1/experiments")).json()).intake.dropped === told.people, `${told.people} dropped events in the list`);
  });

  it("the results are those of an independent count of the exported events, to the unit", async (test) => {
    const log = await recount(CONFIG, exported());
    assert.equal(log.events, counted.outcomes.accepted + log.quarantined);
    const total = (found) => found.variations.reduce((sum, { users }) => sum + users, 0);
    let compared = 0;
    for (const [experiment, wanted] of Object.entries(log.experiments)) {
      const users = wanted.variations.reduce((sum, { users }) => sum + users, 0);
      let found = await results(experiment);
      for (let tries = 0; tries < 100 && total(found) !== users; tries += 1, found = await results(experiment)) await sleep(200);
      await sleep(700);
      found = await results(experiment);
      assert.deepEqual(found.variations.map(({ users }) => users), wanted.variations.map(({ users }) => users), experiment);
      assert.equal(found.checks.quarantined, wanted.quarantined, experiment);
      assert.equal(found.checks.multipleExposures, wanted.multiple, experiment);
      for (const metric of found.results[0].metrics) {
        for (const [at, variation] of metric.variations.entries()) {
          const mine = wanted.variations[at].metrics[metric.metricId];
          for (const analysis of variation.analyses) {
            const what = `${experiment} ${metric.metricId} ${variation.variationName}`;
            assert.equal(analysis.numerator, mine.sum, what);
            const n = variation.users;
            // A rate's deviation is that of its model, a mean's is estimated.
            const spread = Math.sqrt((mine.squares - mine.sum ** 2 / n) / (metric.kind === "proportion" ? n : n - 1));
            assert.ok(Math.abs(analysis.stddev / spread - 1) < 1e-9, `${what}: ${analysis.stddev}, expected ${spread}`);
            compared += 1;
          }
        }
      }
    }
    test.diagnostic(`${log.events} events of ${log.visitors} visitors counted again, ${compared} sums and deviations equal`);
    assert.ok(compared >= 20);
  });

  it("what was planted is inside its interval, the A/A test is quiet, and the broken split is noticed", async (test) => {
    const found = Object.fromEntries(await Promise.all(CONFIG.experiments.map(async ({ key }) => [key, await results(key)])));
    for (const { experiment, metric, variation, lift } of PLANTED) {
      const { variations } = found[experiment].results[0].metrics.find(({ metricId }) => metricId === metric);
      const { analyses } = variations.find(({ variationName }) => variationName === variation);
      for (const { method, percentChange, ciLow, ciHigh } of analyses.filter((one) => one.ciLow !== null)) {
        test.diagnostic(`${experiment} ${metric} ${variation} (${method}): ${(100 * lift).toFixed(1)} % planted, ${(100 * percentChange).toFixed(1)} % found, ${(100 * ciLow).toFixed(1)} to ${(100 * ciHigh).toFixed(1)} %`);
        // The other method's interval is right in 19 months of 20.
        if (method === "always-valid") assert.ok(ciLow <= lift && lift <= ciHigh, `${experiment} ${metric} ${variation}`);
      }
    }
    assert.ok(!["ship", "stop"].includes(found.same.verdict.kind), found.same.verdict.reason);
    assert.deepEqual(Object.values(found).map(({ checks }) => checks.srmStatus), ["ok", "ok", "ok", "mismatch"]);
  });
});
