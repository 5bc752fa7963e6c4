// What the engine's benchmark does in Node and in a browser alike: one population, two engines, the same questions.

import { random, uuidFrom } from "../load/visitors.mjs";

/** When everything is decided; no item asks about it. */
export const NOW = 1_795_219_200_000;
const countries = ["ES", "FR", "DE", "US", "PT", "IT"];
const devices = ["mobile", "tablet", "desktop"];
const browsers = ["chrome", "safari", "firefox", "edge"];
const languages = ["es", "en", "fr", "de"];

/** A config for both, whose experiments have two or three conditions of the kinds that targeting is mostly made of. */
export function configs(count) {
  const draw = random(7);
  const pick = (list) => list[Math.floor(draw() * list.length)];
  const some = (list) => list.filter(() => draw() < 0.6);
  const condition = () => {
    const all = {
      "geo.country": { $in: some(countries) },
      device: pick(devices),
      browser: { $ne: pick(browsers) },
      visits: { $gte: Math.floor(draw() * 10) },
      language: { $in: some(languages) },
    };
    const names = Object.keys(all).map((name) => [draw(), name]).sort(([a], [b]) => a - b).map(([, name]) => name);
    return Object.fromEntries(names.slice(0, 2 + Math.floor(draw() * 2)).map((name) => [name, all[name]]));
  };
  const experiments = Array.from({ length: count }, (_, i) => ({ key: `experiment-${i}`, when: condition() }));
  return {
    keys: experiments.map(({ key }) => key),
    ours: {
      version: 1, project: "bench",
      experiments: experiments.map((it) => ({ ...it, variations: [{ key: "control" }, { key: "bold" }] })),
    },
    theirs: Object.fromEntries(experiments.map(({ key, when }) => [key, {
      defaultValue: -1,
      rules: [{ key, condition: when, variations: [0, 1], weights: [0.5, 0.5], hashVersion: 2, seed: key, hashAttribute: "id" }],
    }])),
  };
}

/** New visitors, each with an id. */
export function visitors(count) {
  const draw = random(8);
  const pick = (list) => list[Math.floor(draw() * list.length)];
  return Array.from({ length: count }, () => ({
    id: uuidFrom(draw), geo: { country: pick(countries) }, device: pick(devices), browser: pick(browsers),
    visits: Math.floor(draw() * 12), language: pick(languages),
  }));
}

export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Who decides: `decide(visitor)` gives what `read(decided, key)` looks at: an index, or -1 for who takes no part. */
export const ours = (engine) => {
  const assigned = engine.reasons.indexOf("assigned");
  return {
    decide: (visitor) => engine.decide({ id: visitor.id, url: "https://shop.test/", attributes: visitor }, NOW),
    read: (decided, key) => (decided.reason(key) === engine.reasons[assigned] ? decided.variation(key) : -1),
    peek: (decided, key) => decided.variation(key),
  };
};

/** GrowthBook's client for many visitors; reading is deciding again, because it keeps nothing. */
export const theirs = (client, keys) => ({
  decide: (visitor) => {
    const user = { attributes: visitor };
    return { user, values: keys.map((key) => client.evalFeature(key, user).value) };
  },
  read: ({ values }, key) => values[keys.indexOf(key)],
  peek: ({ user }, key) => client.evalFeature(key, user).value,
});

/** A GrowthBook instance per visitor, which is how a page uses their SDK. */
const theirsPerInstance = ({ GrowthBook, features }, keys) => ({
  decide: (visitor) => {
    const growthbook = new GrowthBook({ attributes: visitor });
    growthbook.initSync({ payload: { features } });
    const values = keys.map((key) => growthbook.evalFeature(key).value);
    growthbook.destroy();
    return values;
  },
});

/** Answers that differ. */
export function differing(a, b, people, keys) {
  let count = 0;
  for (const visitor of people) {
    const [x, y] = [a.decide(visitor), b.decide(visitor)];
    count += keys.filter((key) => a.read(x, key) !== b.read(y, key)).length;
  }
  return count;
}

/** Median microseconds for a new visitor. */
export function newVisitor(it, people, rounds) {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    for (const visitor of people) it.decide(visitor);
    return ((performance.now() - start) * 1000) / people.length;
  });
  return median(times);
}

/** Median nanoseconds to read one decision of a visitor again. */
export function reread(it, visitor, keys, rounds, times) {
  const decided = it.decide(visitor);
  let sum = 0;
  const found = Array.from({ length: rounds }, () => {
    const start = performance.now();
    for (let i = 0; i < times; i++) for (const key of keys) sum += it.peek(decided, key);
    return ((performance.now() - start) * 1e6) / (times * keys.length);
  });
  // Read, so that nothing can leave the loop out.
  if (Number.isNaN(sum)) throw new Error("a decision is no number");
  return median(found);
}

/** Both of them, warm, with one config; `sdk` has GrowthBook's class and its features. */
export function warm(a, b, sdk, people, keys) {
  const rounds = 9;
  // In turns, so that a change of the machine's speed meets both.
  const pairs = [0, 1, 2].map(() => [newVisitor(a, people, rounds), newVisitor(b, people, 3)]);
  return {
    differing: differing(a, b, people, keys),
    newVisitorUs: [median(pairs.map(([x]) => x)), median(pairs.map(([, y]) => y))],
    perInstanceUs: newVisitor(theirsPerInstance(sdk, keys), people, 5),
    rereadNs: [reread(a, people[0], keys, rounds, 500), reread(b, people[0], keys, rounds, 20)],
  };
}
