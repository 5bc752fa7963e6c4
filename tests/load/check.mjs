// Drives synthetic visitors through the real intake and checks that the results are what was planted, to the unit.

import { parseArgs } from "node:util";
import { assign, random, uuidFrom } from "./visitors.mjs";

const { values: options } = parseArgs({
  options: {
    shop: { type: "string" },
    api: { type: "string" },
    "write-key": { type: "string" },
    "read-key": { type: "string" },
    prefix: { type: "string", default: "/_sl" },
    visitors: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" },
  },
});

const visitors = Number(options.visitors);
const concurrency = 24;
// A third more purchases: what 5,000 visitors can show beyond doubt, by a method that allows looking at any time.
const purchaseRate = { control: 0.12, recommended: 0.18 };

/** One visitor's events, and what they should add to the results. */
function plan(draw) {
  const id = uuidFrom(draw);
  const hero = assign("hero-copy", id, ["control", "recommended"]);
  const check = assign("aa-check", id, ["first", "second"]);
  const now = Date.now() - 60_000 + Math.floor(draw() * 30_000);
  const event = (time, members) => ({ id: uuidFrom(draw), time, page: "/", ...members });
  const exposures = [
    event(now, { kind: "exposure", experiment: "hero-copy", variation: hero }),
    event(now, { kind: "exposure", experiment: "aa-check", variation: check }),
  ];
  const buys = draw() < purchaseRate[hero];
  const times = buys ? 1 + Math.floor(draw() * 2) : 0;
  const purchases = Array.from({ length: times }, () => {
    const value = 900 + Math.floor(draw() * 12_000);
    return event(now + 5_000 + Math.floor(draw() * 10_000), {
      kind: "conversion", name: "purchase", value, properties: { category: "Home" }, page: "/thanks/",
    });
  });
  // Some purchases travel in a batch of their own, and some of those arrive before the exposure.
  const apart = purchases.length > 0 && draw() < 0.5;
  let batches = apart ? [exposures, purchases] : [[...exposures, ...purchases]];
  if (apart && draw() < 0.3) batches.reverse();
  // Some batches are sent twice, as clients do when an answer is lost.
  if (draw() < 0.1) batches = [...batches, batches[0]];
  return { id, hero, check, value: purchases.reduce((sum, e) => sum + e.value, 0), buys, batches };
}

async function send(visitor, events) {
  const body = JSON.stringify({
    key: options["write-key"], visitor, sentAt: Date.now(), sdk: "check/1", events,
  });
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(`${options.shop}${options.prefix}/e`, {
      method: "POST", headers: { "content-type": "text/plain" }, body,
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (attempt >= 5 || ![429, 503].includes(response.status)) throw new Error(`intake answered ${response.status}: ${text}`);
    await new Promise((done) => setTimeout(done, 200 * 2 ** attempt));
  }
}

async function results(key) {
  const response = await fetch(`${options.api}/v1/experiments/${key}/results`, {
    headers: { authorization: `Bearer ${options["read-key"]}` },
  });
  if (!response.ok) throw new Error(`results answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** What one metric says of each variation: visitors, total, and the comparison by the given method. */
function rows(answer, metricId, method) {
  const metric = answer.results[0].metrics.find((m) => m.metricId === metricId);
  return metric.variations.map((variation) => ({
    key: variation.variationName,
    users: variation.users,
    ...variation.analyses.find((analysis) => analysis.method === method),
  }));
}

const draw = random(Number(options.seed));
const plans = Array.from({ length: visitors }, () => plan(draw));
const started = performance.now();
const received = { accepted: 0, duplicate: 0, quarantined: 0, events: 0 };
const queue = plans.values();
await Promise.all(Array.from({ length: concurrency }, async () => {
  for (const visitor of queue) {
    for (const events of visitor.batches) {
      const answer = await send(visitor.id, events);
      received.accepted += answer.accepted;
      received.duplicate += answer.duplicate;
      received.quarantined += answer.quarantined;
      received.events += events.length;
    }
  }
}));
const seconds = (performance.now() - started) / 1000;
console.log(`${visitors} visitors sent ${received.events} events in ${seconds.toFixed(1)} s: ` +
  `${received.accepted} accepted, ${received.duplicate} duplicates, ${received.quarantined} quarantined`);

const unique = plans.reduce((sum, v) => sum + new Set(v.batches.flat().map((e) => e.id)).size, 0);
const planted = (key, of, variation) => {
  const group = plans.filter((v) => of(v) === variation);
  return { users: group.length, buyers: group.filter((v) => v.buys).length, value: group.reduce((s, v) => s + v.value, 0) };
};

let hero;
const deadline = Date.now() + 20_000;
do {
  hero = await results("hero-copy");
  if (hero.totalUsers === visitors) break;
  await new Promise((done) => setTimeout(done, 200));
} while (Date.now() < deadline);
// One more push interval, so that a change to the last visitors' conversions has arrived too.
await new Promise((done) => setTimeout(done, 1500));
hero = await results("hero-copy");
const aa = await results("aa-check");

const percent = (x) => (x === null || x === undefined ? "" : `${(100 * x).toFixed(1)} %`);
for (const answer of [hero, aa]) {
  console.log(`\n${answer.name}: ${answer.totalUsers} visitors, sample ratio ${answer.checks.srmStatus} ` +
    `(p ${answer.checks.srm?.toFixed(3)}), verdict ${answer.verdict.kind}${answer.verdict.variation ? ` ${answer.verdict.variation}` : ""}`);
  console.table(rows(answer, "purchase-rate", "always-valid").map((row) => ({
    variation: row.key, visitors: row.users, buyers: row.numerator, rate: percent(row.mean), lift: percent(row.percentChange),
    from: percent(row.ciLow), to: percent(row.ciHigh), "p (always valid)": row.pValue?.toPrecision(3) ?? "",
  })));
}

const faults = [];
const expect = (what, found, wanted) => {
  if (found !== wanted) faults.push(`${what}: ${found}, expected ${wanted}`);
};
expect("accepted events", received.accepted, unique);
expect("duplicates", received.duplicate, received.events - unique);
expect("quarantined events", received.quarantined, 0);
for (const [answer, of] of [[hero, (v) => v.hero], [aa, (v) => v.check]]) {
  for (const row of rows(answer, "purchase-rate", "always-valid")) {
    const truth = planted(answer.id, of, row.key);
    expect(`${answer.id} ${row.key} visitors`, row.users, truth.users);
    expect(`${answer.id} ${row.key} buyers`, row.numerator, truth.buyers);
  }
  expect(`${answer.id} sample ratio`, answer.checks.srmStatus, "ok");
}
for (const row of rows(hero, "revenue", "always-valid")) {
  expect(`revenue of ${row.key}`, row.numerator, planted("hero-copy", (v) => v.hero, row.key).value);
}
const [, lifted] = rows(hero, "purchase-rate", "always-valid");
if (!(lifted.pValue < 0.05 && lifted.ciLow > 0)) faults.push(`the planted lift was not found: p ${lifted.pValue}`);
expect("verdict on the planted lift", `${hero.verdict.kind} ${hero.verdict.variation}`, "ship recommended");
const [, quiet] = rows(aa, "purchase-rate", "always-valid");
if (!(quiet.pValue > 0.05 && quiet.ciLow < 0 && quiet.ciHigh > 0)) faults.push(`the A/A test is not quiet: p ${quiet.pValue}`);
if (["ship", "stop"].includes(aa.verdict.kind)) faults.push(`the A/A test has a verdict: ${aa.verdict.kind}`);

if (faults.length > 0) {
  console.error(`\n${faults.length} faults:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
  process.exit(1);
}
console.log("\nThe planted lift was found, the A/A test is quiet, no event is missing.");
