// What the project object does by itself: alerts fire and are over, verdicts are told, and experiments end.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { collector, CONFIG, exposure, purchase, receiver, until, variationOf } from "./_admin.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
let hooks, api;

before(async () => {
  hooks = await receiver();
  api = await collector({
    services: `, (name = "anywhere", network = (allow = ["public", "private"]))`, outbound: "anywhere",
    bindings: `(name = "WATCH_SECONDS", text = "1"),`,
  });
});
after(async () => {
  await api?.stop();
  hooks?.stop();
});

const config = (analysis, more = {}) => {
  const wanted = structuredClone({ ...CONFIG, ...more });
  wanted.experiments[0].analysis = { sampleSize: 2000, looks: 10, daysMin: 0, visitorsMin: 50, ...analysis };
  wanted.webhooks = [{ key: "ops", url: hooks.url, events: ["verdict", "alert"] }];
  return wanted;
};
const told = (kind, about) => hooks.got.map(({ json }) => json).filter(({ type, data }) => type === kind && (data.key ?? data.experiment) === about);
const alerts = async (state) => (await api.ok("GET", `/v1/alerts?state=${state}`)).alerts;

/** Visitors of `hero`, of whom those in `b` buy far more often than those in `a`. */
async function crowd(name, count) {
  for (let index = 0; index < count; index += 1) {
    const visitor = `${name}-${index}`;
    const variation = variationOf(visitor);
    await api.send(visitor, [exposure(variation), ...(index % (variation === "a" ? 10 : 2) ? [] : [purchase(100)])]);
  }
}

test("an alert fires once with what to do, and is resolved once", async () => {
  const alert = { key: "few-buyers", severity: "critical", minUsers: 20, action: "Call the shop.", when: { kind: "conversionBelow", metric: "bought", below: 0.3 } };
  await api.publish(config({}, { alerts: [alert] }));
  for (let index = 0; index < 30; index += 1) await api.send(`alert-${index}`, [exposure(variationOf(`alert-${index}`))]);
  const fired = await until(() => told("alert.fire", "few-buyers")[0], "told that it fired");
  assert.deepEqual([fired.data.experiment, fired.data.severity, fired.data.action, fired.data.state], ["hero", "critical", "Call the shop.", "firing"]);
  assert.match(fired.data.message, /^bought is 0\.0000, below 0\.3, of (2\d|30) visitors\.$/);
  assert.equal((await alerts("firing"))[0].key, "few-buyers");
  for (let index = 0; index < 30; index += 1) await api.send(`alert-${index}`, [purchase(1)]);
  const over = await until(() => told("alert.resolve", "few-buyers")[0], "told that it is over");
  assert.deepEqual([over.data.since, over.data.state], [fired.data.since, "resolved"]);
  assert.deepEqual((await alerts("resolved")).map(({ key }) => key), ["few-buyers"]);
  await sleep(2500);
  assert.deepEqual([told("alert.fire", "few-buyers").length, told("alert.resolve", "few-buyers").length], [1, 1]);
  assert.equal((await api.call("GET", "/v1/alerts?state=maybe")).status, 400);
});

test("nothing ends by itself unless it was asked for", async () => {
  await crowd("plain", 300);
  await until(() => told("verdict.change", "hero").some(({ data }) => data.verdict.kind === "ship"), "told of the verdict");
  await sleep(2000);
  assert.equal((await api.ok("GET", "/v1/experiments/hero")).status, "running");
});

test("with autoStop a winner is shipped, once, with everything it was decided from", async () => {
  await api.publish(config({ autoStop: true }));
  const ended = await until(() => told("verdict.decide", "hero")[0], "told of the end");
  assert.deepEqual([ended.data.act, ended.data.variation], ["ship", "b"]);
  const { experiments, personalizations } = await api.ok("GET", "/v1/config/versions/3");
  assert.equal(experiments[0].status, "stopped");
  assert.deepEqual(personalizations, [{ key: "hero-shipped", changes: CONFIG.experiments[0].variations[1].changes }]);
  const { audit } = await api.ok("GET", "/v1/audit?limit=1");
  assert.deepEqual([audit[0].action, audit[0].actor, audit[0].subject], ["experiment.ship", "autoStop", "3"]);
  assert.equal(audit[0].details.decidedOn.id, "hero");

  // The command line decides the same from what the audit log keeps.
  const { record, decision } = audit[0].details.look;
  const folder = mkdtempSync(join(tmpdir(), "splitlight-look-"));
  writeFileSync(join(folder, "plan.json"), JSON.stringify(record));
  const again = execFileSync("cargo", ["run", "--quiet", "--package", "splitlight-cli", "--", "analyze", join(folder, "plan.json"), "--format", "json"],
    { cwd: root, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  const { verdict, variation, reason, metrics } = JSON.parse(again);
  assert.deepEqual({ verdict, variation, reason, metrics }, { verdict: decision.verdict, variation: decision.variation, reason: decision.reason, metrics: decision.metrics });
  await sleep(2000);
  assert.equal((await api.ok("GET", "/v1/config/versions?limit=1")).versions[0].version, 3, "once");
});

test("a broken split is stopped and not shipped, whatever the numbers say", async () => {
  const broken = config({ autoStop: true });
  broken.experiments[0].key = "split";
  await api.publish(broken);
  // Half of those in `a` are lost before their exposure, and whoever is in `b` buys.
  for (let index = 0; index < 400; index += 1) {
    const variation = variationOf(`split-${index}`, "split");
    if (variation === "b" || index % 2) await api.send(`split-${index}`, [exposure(variation, "split"), ...(variation === "b" ? [purchase(1)] : [])]);
  }
  const ended = await until(() => told("verdict.decide", "split")[0], "told of the end", 15_000);
  assert.deepEqual([ended.data.act, ended.data.look.decision.reason, ended.data.variation], ["stop", "brokenSplit", undefined]);
  await until(async () => (await api.ok("GET", "/v1/experiments/split")).status === "stopped", "stopped everywhere");
  assert.deepEqual((await api.ok("GET", "/v1/config")).personalizations ?? [], []);
  await until(() => told("alert.resolve", "sample-ratio")[0], "told that the alert is over with the experiment");
  assert.equal(told("alert.fire", "sample-ratio").length, 1);
});
