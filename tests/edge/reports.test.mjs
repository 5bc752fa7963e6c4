// Reports over HTTP: two days of events, what changed between them, what paid, as a document and as a text.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { collector, until } from "./_admin.mjs";

const DAY = 86_400_000;
const date = (days) => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);
// At noon, so that a test that runs at midnight has the same days.
const noon = (days) => Date.parse(`${date(days)}T12:00:00Z`);
const [FIRST, SECOND] = [date(3), date(2)];
const TIMES = [noon(3), noon(2)];

const CONFIG = {
  version: 1, project: "default",
  metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value", format: "EUR" }],
  kpis: [{ key: "sales", name: "Sales | web", metric: "revenue", period: "day", target: 1 }],
  // Everybody who buys meets it, whatever the hash gives.
  experiments: [{ key: "hero", unit: "account", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
  costs: [{ key: "copy", experiment: "hero", amount: 4000, start: FIRST }, { key: "tool", amount: 100, every: "day", start: FIRST }],
};

let shop, key;
const report = (path) => shop.ok("GET", `/v1/reports/${path}`);
before(async () => {
  shop = await collector();
  await shop.publish(CONFIG);
  key = (await shop.ok("POST", "/v1/keys", { scope: "read" })).key;
  // On each day two of each variation; those of b buy for 1000 more, and on the second day all for 500 more.
  for (const [day, time] of TIMES.entries()) {
    for (const [at, variation] of ["a", "a", "b", "b"].entries()) {
      const value = 1000 * (at % 2 + 1) + (variation === "b" ? 1000 : 0) + 500 * day;
      const event = (kind, more) => ({ id: randomUUID(), kind, time, ...more });
      const events = [event("exposure", { experiment: "hero", variation }), { ...event("conversion", { name: "purchase", value }), time: time + 1000 }];
      const answer = await shop.send(`v-${day}-${at}`, events);
      assert.equal(answer.accepted, 2, JSON.stringify(answer));
    }
  }
  await until(async () => (await shop.results()).totalUsers === 8, "eight visitors in the results");
});
after(() => shop?.stop());

it("holds a day against the day before", async () => {
  const told = await report(`daily?date=${SECOND}`);
  assert.deepEqual([told.dateStart, told.dateEnd, told.isComplete, told.period], [SECOND, SECOND, true, "day"]);
  const [sales] = told.kpis;
  assert.deepEqual([sales.value, sales.previous, sales.change, sales.percentChange], [10_000, 8000, 2000, 0.25]);
  const [hero] = told.experiments;
  assert.deepEqual([hero.users, hero.usersGained, hero.usersGainedBefore, hero.percentChange], [8, 4, 4, 0]);
  assert.equal(hero.verdict.kind, "continue");
});

it("tells the past as it was", async () => {
  const told = await report(`daily?date=${FIRST}`);
  assert.deepEqual([told.kpis[0].value, told.kpis[0].previous, told.experiments[0].users], [8000, null, 4]);
  assert.deepEqual([told.returns[0].investment, told.overhead], [4000, 100]);
});

it("says what paid", async () => {
  const told = await report(`daily?date=${SECOND}`);
  const [hero] = told.returns;
  // 1000 more for each of four visitors pays 4000, and two new ones a day pay it in two days.
  assert.deepEqual([hero.variation, hero.users, hero.benefit, hero.investment, hero.roi, hero.paybackDays, hero.format], ["b", 4, 4000, 4000, 0, 2, "EUR"]);
  assert.ok(hero.benefitLow < 4000 && hero.benefitHigh > 4000, JSON.stringify(hero));
  assert.equal(told.overhead, 200);
});

it("has weeks from Monday and months, of which the last complete one is the usual", async () => {
  for (const [period, word] of [["daily", "day"], ["weekly", "week"], ["monthly", "month"]]) {
    const told = await report(period);
    assert.deepEqual([told.period, told.isComplete], [word, true]);
    assert.ok(told.dateEnd < date(0) && told.dateStart <= told.dateEnd, JSON.stringify(told));
    const now = await report(`${period}?date=${date(0)}`);
    assert.equal(now.isComplete, false);
    assert.equal(Date.parse(now.dateStart) - Date.parse(told.dateEnd), DAY);
  }
  const week = await report(`weekly?date=${SECOND}`);
  assert.deepEqual([new Date(week.dateStart).getUTCDay(), new Date(week.dateEnd).getUTCDay()], [1, 0]);
});

it("writes a text for people", async () => {
  const answer = await shop.call("GET", `/v1/reports/daily?date=${SECOND}&format=md`, undefined, key);
  assert.equal(answer.headers.get("content-type"), "text/markdown; charset=utf-8");
  assert.match(answer.headers.get("content-disposition"), new RegExp(`default-daily-${SECOND}\\.md`));
  assert.ok(answer.text.startsWith(`# default: day from ${SECOND} to ${SECOND}\n`), answer.text);
  assert.ok(answer.text.includes("| Sales \\| web | 100.00 EUR | 80.00 EUR | +20.00 EUR (+25.0 %) |"), answer.text);
  assert.ok(answer.text.includes("| hero | b | 4 visitors | 40.00 EUR ("), answer.text);
});

it("answers 304 while nothing changed", async () => {
  for (const format of ["json", "md"]) {
    const path = `/v1/reports/weekly?date=${SECOND}&format=${format}`;
    const first = await shop.call("GET", path);
    assert.equal(first.status, 200, first.text);
    const again = await shop.call("GET", path, undefined, undefined, { "if-none-match": first.headers.get("etag") });
    assert.deepEqual([again.status, again.text], [304, ""]);
  }
});

it("says what is wrong with a question", async () => {
  for (const [path, status, says] of [
    ["yearly", 404, /daily, weekly or monthly/], ["daily?date=yesterday", 400, /2026-11-01/], ["daily?date=2026-02-29", 400, /not a day/],
    ["weekly?date=2999-01-01", 400, /in the future/], ["daily?format=pdf", 400, /json, md/],
  ]) {
    const answer = await shop.call("GET", `/v1/reports/${path}`);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.detail, says, path);
  }
});

it("refuses a cost of what is not there", async () => {
  const answer = await shop.call("PUT", "/v1/config?dry_run=1", { ...CONFIG, costs: [{ key: "copy", experiment: "heros", amount: 1 }] });
  assert.equal(answer.status, 422, answer.text);
  assert.deepEqual(answer.json.issues.map(({ pointer, fix }) => [pointer, fix]), [["/costs/0/experiment", "did you mean `hero`?"]]);
});
