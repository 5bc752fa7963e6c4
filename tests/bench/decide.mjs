// Decides all of 200 experiments for new visitors, with Splitlight and with GrowthBook's JavaScript SDK, in one process.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GrowthBookClient } from "@growthbook/growthbook";
import { random, uuidFrom } from "../load/visitors.mjs";

const EXPERIMENTS = 200;
const VISITORS = 300;
const ROUNDS = 7;
const countries = ["ES", "FR", "DE", "US", "PT", "IT"];
const devices = ["mobile", "tablet", "desktop"];
const browsers = ["chrome", "safari", "firefox", "edge"];

const draw = random(7);
const pick = (list) => list[Math.floor(draw() * list.length)];
const some = (list) => list.filter(() => draw() < 0.6);

/** Two or three conditions, of the kinds that targeting is mostly made of. */
function condition() {
  const all = {
    "geo.country": { $in: some(countries) },
    device: pick(devices),
    browser: { $ne: pick(browsers) },
    visits: { $gte: Math.floor(draw() * 10) },
    language: { $in: some(["es", "en", "fr", "de"]) },
  };
  const names = Object.keys(all).sort(() => draw() - 0.5).slice(0, 2 + Math.floor(draw() * 2));
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

const experiments = Array.from({ length: EXPERIMENTS }, (_, i) => ({ key: `experiment-${i}`, when: condition() }));
const config = JSON.stringify({
  version: 1, project: "bench",
  experiments: experiments.map(({ key, when }) => ({ key, when, variations: [{ key: "control" }, { key: "bold" }] })),
});
const features = Object.fromEntries(experiments.map(({ key, when }) => [key, {
  defaultValue: -1,
  rules: [{ key, condition: when, variations: [0, 1], weights: [0.5, 0.5], hashVersion: 2, seed: key, hashAttribute: "id" }],
}]));
const visitors = Array.from({ length: VISITORS }, () => ({
  id: uuidFrom(draw), geo: { country: pick(countries) }, device: pick(devices), browser: pick(browsers),
  visits: Math.floor(draw() * 12), language: pick(["es", "en", "fr", "de"]),
}));

const folder = join(process.env.SPLITLIGHT_OUT, "vectors");
const { initSync, Decider } = await import(join(folder, "splitlight_tests.js"));
initSync({ module: readFileSync(join(folder, "splitlight_tests_bg.wasm")) });
const decider = new Decider(config);
const growthbook = new GrowthBookClient().initSync({ payload: { features } });

const ours = (v) => decider.decide(v.id, "https://shop.test/", JSON.stringify(v), 0);
const theirs = (v) => experiments.map(({ key }) => growthbook.evalFeature(key, { attributes: v }).value);

let differing = 0;
for (const visitor of visitors) {
  const [a, b] = [ours(visitor), theirs(visitor)];
  differing += b.filter((value, i) => value !== a[i]).length;
}

function time(decide) {
  const start = process.hrtime.bigint();
  for (const visitor of visitors) decide(visitor);
  return Number(process.hrtime.bigint() - start) / 1000 / VISITORS;
}
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const rounds = Array.from({ length: ROUNDS }, () => [time(ours), time(theirs)]);
const [us, them] = [median(rounds.map((r) => r[0])), median(rounds.map((r) => r[1]))];

console.log(`decide ${EXPERIMENTS} experiments for a new visitor, across the JavaScript boundary`);
console.log(`  Splitlight               ${us.toFixed(1)} µs`);
console.log(`  @growthbook/growthbook   ${them.toFixed(1)} µs`);
console.log(`  ratio                    ${(them / us).toFixed(1)}x`);
console.log(`  answers that differ      ${differing} of ${EXPERIMENTS * VISITORS}`);
process.exit(differing === 0 ? 0 : 1);
