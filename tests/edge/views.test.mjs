// Results as people look at them: by dimension, by method, as a table, day by day; funnels, KPIs and cohorts.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { collector } from "./_admin.mjs";

const CONFIG = {
  version: 1, project: "default", dimensions: ["country", "device", "source"], cohorts: true,
  metrics: [
    { key: "bought", kind: "proportion", event: "purchase" },
    { key: "order", kind: "ratio", event: "purchase", value: "value", denominator: { event: "purchase" } },
    { key: "speed", kind: "quantile", event: "lcp", value: "average", quantile: 0.75 },
    { key: "capped", kind: "mean", event: "purchase", value: "value", cap: { value: 3000 } },
  ],
  funnels: [{ key: "checkout", steps: [{ name: "Cart", event: "cart" }, { name: "Bought", event: "purchase" }] }],
  kpis: [{ key: "revenue", metric: "capped", period: "month", target: 8000 }],
  // Everybody who buys meets it, whatever the hash gives.
  experiments: [{ key: "hero", unit: "account", variations: [{ key: "a" }, { key: "b" }],
    metrics: { primary: "bought", secondary: ["order", "speed", "capped"] } }],
};

let shop, key;
before(async () => {
  shop = await collector();
  await shop.publish(CONFIG);
  key = (await shop.ok("POST", "/v1/keys", { scope: "write" })).key;
  const visitors = [
    ["ES", "iPhone", "www.google.com", "a", 1000], ["ES", "iPhone", "", "b", 5000],
    ["FR", "Windows NT", "t.co", "b", 0], ["FR", "Windows NT", "", "a", 0],
  ];
  for (const [index, [country, agent, referrer, variation, value]] of visitors.entries()) {
    const time = Date.now();
    const event = (kind, more) => ({ id: randomUUID(), kind, time, ...more });
    const events = [event("exposure", { experiment: "hero", variation }), event("page_view"), event("conversion", { name: "lcp", value: 1000 + index })];
    if (value) events.push(event("conversion", { name: "cart" }), event("conversion", { name: "purchase", value }));
    const response = await fetch(`${shop.base}/_sl/e`, {
      method: "POST", body: JSON.stringify({ key, visitor: `v-${index}`, sentAt: time, referrer, returning: index > 1, events }),
      headers: { "content-type": "application/json", "user-agent": `Mozilla/5.0 (${agent}) Safari`, "x-cf-blob": JSON.stringify({ country }) },
    });
    assert.equal((await response.json()).accepted, events.length);
  }
  for (let tries = 0; (await shop.ok("GET", "/v1/experiments/hero/results")).totalUsers < 4; tries += 1) {
    assert.ok(tries < 100, "the results never came");
    await sleep(50);
  }
});
after(() => shop?.stop());

const users = (found) => Object.fromEntries(found.results.map(({ dimension, totalUsers }) => [dimension, totalUsers]));

it("breaks results down by what was known at the exposure", async () => {
  const by = (name) => shop.ok("GET", `/v1/experiments/hero/results?dimension=${name}`).then(users);
  assert.deepEqual(await by("country"), { "": 4, ES: 2, FR: 2 });
  assert.deepEqual(await by("device"), { "": 4, desktop: 2, mobile: 2 });
  assert.deepEqual(await by("source"), { "": 4, direct: 2, search: 1, social: 1 });
  const found = await shop.ok("GET", "/v1/experiments/hero/results?dimension=country");
  const [spain] = found.results.filter(({ dimension }) => dimension === "ES");
  assert.deepEqual(spain.metrics[0].variations.map(({ analyses }) => analyses[0].numerator), [1, 1]);
});

it("shows one method when asked, and ratios, quantiles and caps as they are", async () => {
  const { results: [{ metrics }] } = await shop.ok("GET", "/v1/experiments/hero/results?method=bayesian");
  assert.deepEqual(metrics.map(({ variations }) => variations[1].analyses.map(({ method }) => method)), Array(4).fill(["bayesian"]));
  const chance = metrics[0].variations[1].analyses[0].chanceToBeatControl;
  assert.ok(chance > 0 && chance < 1, String(chance));
  const [, order, speed, capped] = metrics.map(({ variations }) => variations.map(({ analyses: [it] }) => it.mean));
  assert.deepEqual(order, [1000, 5000]);
  assert.ok(Math.abs(speed[0] / 1003 - 1) < 0.01, String(speed));
  assert.deepEqual(capped, [500, 1500]);
  assert.equal(metrics[3].variations[1].uncapped.mean, 2500);
});

it("writes a table for spreadsheets", async () => {
  const answer = await shop.call("GET", "/v1/experiments/hero/results?format=csv&method=welch&dimension=device");
  assert.match(answer.headers.get("content-type"), /^text\/csv/);
  const [head, ...lines] = answer.text.trimEnd().split("\r\n");
  assert.equal(head.split(",")[1], "metricId");
  // Everybody has four metrics; the two devices have no quantiles.
  assert.equal(lines.length, (4 + 2 * 3) * 2);
  assert.ok(lines.some((line) => line.startsWith("mobile,bought,primary,1,b,1,welch,1,1,1,0,")), lines.join("\n"));
});

it("follows the results day by day", async () => {
  const { days } = await shop.ok("GET", "/v1/experiments/hero/timeseries");
  assert.equal(days.at(-1).date, new Date().toISOString().slice(0, 10));
  assert.deepEqual(days.at(-1).users, [2, 2]);
  assert.equal(days.at(-1).metrics[0].variations[1].mean, 0.5);
});

it("counts funnels, KPIs and cohorts", async () => {
  const funnel = await shop.ok("GET", "/v1/funnels/checkout?experiment=hero");
  assert.deepEqual(funnel.steps.map(({ name, users: taken, rate, dropped }) => [name, taken, rate, dropped]), [["Cart", 2, 1, 0], ["Bought", 2, 1, 0]]);
  assert.deepEqual(funnel.variations.map(({ users: all, steps }) => [all, steps[1].users]), [[2, 1], [2, 1]]);
  const { kpis: [revenue] } = await shop.ok("GET", "/v1/kpis");
  assert.deepEqual([revenue.periods.at(-1).value, revenue.periods.at(-1).progress, revenue.isOnTarget], [6000, 0.75, false]);
  const { cohorts: [cohort] } = await shop.ok("GET", "/v1/cohorts");
  assert.deepEqual([cohort.users, cohort.shares], [[4], [1]]);
});

it("answers 304 while nothing changed", async () => {
  for (const path of ["experiments", "experiments/hero/results?dimension=country", "experiments/hero/results?format=csv", "experiments/hero/timeseries", "funnels/checkout", "kpis", "cohorts"]) {
    const first = await shop.call("GET", `/v1/${path}`);
    assert.equal(first.status, 200, first.text);
    const again = await shop.call("GET", `/v1/${path}`, undefined, undefined, { "if-none-match": first.headers.get("etag") });
    assert.equal(again.status, 304, path);
  }
});

it("pages the list of experiments", async () => {
  const { experiments, nextCursor } = await shop.ok("GET", "/v1/experiments?limit=1");
  assert.deepEqual([experiments.length, nextCursor], [1, undefined]);
  assert.equal((await shop.ok("GET", "/v1/experiments?cursor=1")).experiments.length, 0);
});

it("says what is wrong with a question", async () => {
  for (const [path, says] of [
    ["experiments/hero/results?dimension=shoe", /country, device/], ["experiments/hero/results?dimension=browser", /Add it to `dimensions`/],
    ["experiments/hero/results?method=guess", /always-valid/], ["experiments/hero/results?format=pdf", /json, csv/],
    ["funnels/nope", /no funnel/], ["funnels/checkout?experiment=nope", /no experiment/],
  ]) {
    const answer = await shop.call("GET", `/v1/${path}`);
    assert.ok(answer.status === 400 || answer.status === 404, answer.text);
    assert.match(answer.json.detail, says, path);
  }
});
