// How long the results take with 1,000, 100,000 and 1,000,000 events stored: a question reads sums, never events.
import { assign, random, uuidFrom } from "../load/visitors.mjs";
import { ADMIN_KEY, publish, serve, splitlightWorker } from "../workerd.mjs";
import { load, post } from "./_wire.mjs";

const SIZES = (process.env.SIZES ?? "1000,100000,1000000").split(",").map(Number);
const EVENTS = 50;
const ASKED = 300;
const MS_MAX = 50;
/** How much slower the largest may be than the smallest, where few visitors leave little to compare. */
const RATIO_MAX = 2;
const EXPERIMENTS = 100;
const METRICS = 10;

const metrics = Array.from({ length: METRICS }, (_, nth) => ({ key: `m${nth}`, kind: nth % 2 ? "mean" : "proportion", event: "purchase", ...(nth % 2 ? { value: "value" } : {}), window: `${nth + 1}d` }));
const variations = [{ key: "a" }, { key: "b" }];
const CONFIG = {
  version: 1, project: "default", metrics,
  experiments: Array.from({ length: EXPERIMENTS }, (_, nth) => ({ key: `e${nth}`, variations, metrics: { primary: "m0", secondary: metrics.slice(1).map(({ key }) => key) } })),
};
const draw = random(3);

function batch(key) {
  const [visitor, time] = [uuidFrom(draw), Date.now()];
  const met = (nth) => ({ id: uuidFrom(draw), kind: "exposure", experiment: `e${nth}`, variation: assign(`e${nth}`, visitor, ["a", "b"]), time });
  const events = [met(0), met(1 + Math.floor(draw() * (EXPERIMENTS - 1)))];
  while (events.length < EVENTS) events.push({ id: uuidFrom(draw), kind: "conversion", name: "purchase", value: 4900, time });
  return JSON.stringify({ key, visitor, sentAt: time, sdk: "bench/1", events });
}

const server = await serve({ files: {}, splitlight: true, services: `(name = "main", worker = .main)`, sockets: { main: "main" }, constants: splitlightWorker("main", `(name = "SHARDS", text = "4")`) });
const base = server.base.main;
const headers = { authorization: `Bearer ${ADMIN_KEY}` };
let failed = false;
try {
  await publish(base, CONFIG);
  const { key } = await (await fetch(`${base}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers })).json();
  console.log(`results of one of ${EXPERIMENTS} experiments with ${METRICS} metrics, and the list of all, asked ${ASKED} times one after the other`);
  let [stored, first] = [0, undefined];
  for (const size of SIZES) {
    const requests = Array.from({ length: Math.max(0, Math.round((size - stored) / EVENTS)) }, () => post(base, "/_sl/e", batch(key)));
    if (requests.length > 0) stored += EVENTS * (await load(base, requests, { connections: 16, seconds: 600 })).requests;
    // The shards tell their sums every half second.
    await new Promise((done) => setTimeout(done, 3000));
    const times = {};
    for (const path of ["/v1/experiments/e0/results", "/v1/experiments"]) {
      const some = (times[path] = []);
      for (let nth = 0; nth < ASKED; nth += 1) {
        const begun = performance.now();
        await (await fetch(base + path, { headers })).text();
        some.push(performance.now() - begun);
      }
      some.sort((a, b) => a - b);
    }
    first ??= times;
    const said = Object.entries(times).map(([path, some]) => {
      const [p50, ratio] = [some[ASKED / 2], some[ASKED / 2] / first[path][ASKED / 2]];
      const below = p50 > MS_MAX || ratio > RATIO_MAX ? `  OVER THE BAR of ${MS_MAX} ms and ${RATIO_MAX}x` : "";
      failed ||= below !== "";
      return `${path} p50 ${p50.toFixed(1)} ms, p99 ${some[Math.floor(ASKED * 0.99)].toFixed(1)} ms (${ratio.toFixed(2)}x)${below}`;
    });
    console.log(`  ${String(stored).padStart(8)} events  ${said.join("   ")}`);
  }
} finally {
  await server.stop();
}
if (failed) process.exitCode = 1;
