// The visitors of a month: three experiments with planted lifts, one of them an A/A test, a fourth that loses visitors,
// machines, and events that come twice, late, out of order, too late or wrong.
import { assignWeighted, random, uuidFrom } from "./visitors.mjs";

const DAY = 86_400_000;
/** Sends of an outbox that never reaches the intake. */
const NEVER = 0;

const metrics = { primary: "bought", secondary: ["revenue", "orders"] };
export const CONFIG = {
  version: 1, project: "default",
  metrics: [
    { key: "bought", kind: "proportion", event: "purchase", window: "7d" },
    { key: "revenue", kind: "mean", event: "purchase", value: "value", window: "14d" },
    { key: "orders", kind: "mean", event: "purchase", window: "14d" },
  ],
  experiments: [
    { key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics },
    { key: "price", variations: [{ key: "a", weight: 0.5 }, { key: "b", weight: 0.25 }, { key: "c", weight: 0.25 }], metrics },
    { key: "same", variations: [{ key: "a" }, { key: "b" }], metrics },
    { key: "broken", variations: [{ key: "a" }, { key: "b" }], metrics },
  ],
};

const RATE = 0.12;
const HERO_LIFT = 0.25;
const PRICE_LIFT = 0.2;
/** The lifts that the visitors below have in them. */
export const PLANTED = [
  { experiment: "hero", metric: "bought", variation: "b", lift: HERO_LIFT },
  { experiment: "hero", metric: "revenue", variation: "b", lift: HERO_LIFT },
  { experiment: "price", metric: "revenue", variation: "b", lift: 0 },
  { experiment: "price", metric: "revenue", variation: "c", lift: PRICE_LIFT },
  { experiment: "same", metric: "bought", variation: "b", lift: 0 },
  { experiment: "same", metric: "revenue", variation: "b", lift: 0 },
];

/** Visitors with the outboxes of their browsers: what is in each, and how often it is sent. */
export function* makeVisitors(seed, count, now) {
  const draw = random(seed);
  for (let nth = 0; nth < count; nth += 1) yield visitor(draw, now);
}

function visitor(draw, now) {
  const id = uuidFrom(draw);
  const event = (time, members) => ({ id: uuidFrom(draw), time: Math.floor(time), page: "/", ...members });
  const begun = now - DAY * (0.1 + 27 * draw());
  const met = Object.fromEntries(CONFIG.experiments.map(({ key, variations }) => [key, assignWeighted(key, id, variations)]));
  const exposures = CONFIG.experiments.map(({ key }) => event(begun + 1000 * draw(), { kind: "exposure", experiment: key, variation: met[key] }));
  // The broken experiment's variation takes some visitors away before they are counted.
  if (met.broken === "b" && draw() < 0.15) exposures.pop();
  const purchases = [];
  if (draw() < RATE * (met.hero === "b" ? 1 + HERO_LIFT : 1)) {
    for (let times = 1 + Math.floor(2 * draw()); times > 0; times -= 1) {
      const value = Math.round((900 + 12_000 * draw()) * (met.price === "c" ? 1 + PRICE_LIFT : 1));
      // Within minutes, within days, and some after a window has closed.
      const time = Math.min(begun + 2000 + (draw() < 0.7 ? DAY / 24 : 20 * DAY) * draw(), now - 1000);
      purchases.push(event(time, { kind: "conversion", name: "purchase", value, properties: { category: "Home" }, page: "/thanks/" }));
    }
  }
  if (draw() < 0.05) purchases.push(event(begun - DAY * draw(), { kind: "conversion", name: "purchase", value: 5000 }));
  if (draw() < 0.015) exposures.push(event(begun, { kind: "exposure", experiment: "hero", variation: met.hero === "a" ? "b" : "a" }));
  if (draw() < 0.02) exposures.push(event(now - 31 * DAY, { kind: "page_view" }));
  if (draw() < 0.01) exposures.push(event(begun, { kind: "page_view", page: "/search?q=shoes" }));
  if (draw() < 0.02) exposures.push(exposures[0]);
  const machine = draw() < 0.02 ? (draw() < 0.5 ? { agent: "Mozilla/5.0 (compatible; Googlebot/2.1)" } : { automated: true }) : {};
  return { id, outboxes: outboxes(draw, event, begun, exposures, purchases), ...machine };
}

function outboxes(draw, event, begun, exposures, purchases) {
  const sends = () => (draw() < 0.08 ? 2 : 1);
  if (draw() < 0.003) {
    const views = Array.from({ length: 60 }, (_, nth) => event(begun + nth, { kind: "page_view" }));
    return [{ events: views, sends: 1 }, { events: exposures, sends: 1 }];
  }
  if (purchases.length === 0 || draw() < 0.4) return [{ events: [...exposures, ...purchases], sends: sends() }];
  const apart = [{ events: exposures, sends: sends() }, { events: purchases, sends: draw() < 0.03 ? NEVER : sends() }];
  return draw() < 0.3 ? apart.reverse() : apart;
}
