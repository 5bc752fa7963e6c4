// Durable events per second through the real intake, each answered after its commit, at 5 and at 50 events per request
// and with 1, 2, 4 and 8 shards; beside two trivial Workers in JavaScript, of which one parses the batch and keeps
// nothing, and the other stores it with one INSERT in a Durable Object. `TMPDIR` says where the databases are.
import { readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { assign, random, uuidFrom } from "../load/visitors.mjs";
import { ADMIN_KEY, DATE, publish, script, serve, splitlightWorker } from "../workerd.mjs";
import { load, post } from "./_wire.mjs";

const SECONDS = Number(process.env.SECONDS ?? 4);
const CONNECTIONS = 64;
/** Events per request, and the events per second to hold. */
const LOADS = [[5, 12_000], [50, 80_000]];
const P99_MS_MAX = 100;
const SHARDS = (process.env.SHARDS ?? "1,2,4,8").split(",").map(Number);

const TRIVIAL = `export default { async fetch(request) {
  const { events } = await request.json();
  return Response.json({ accepted: events.length, outcomes: events.map(({ id }) => [id, "accepted"]) });
} }`;
/** What anybody would write first: durable, without ids, visitors or sums. */
const STORING = `import { DurableObject } from "cloudflare:workers";
export class Store extends DurableObject {
  constructor(...args) {
    super(...args);
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY, text TEXT)");
  }
  keep(text) { this.ctx.storage.sql.exec("INSERT INTO batches (text) VALUES (?)", text); }
}
export default { async fetch(request, env) {
  const text = await request.text();
  const { events } = JSON.parse(text);
  await env.STORE.getByName("one").keep(text);
  return Response.json({ accepted: events.length, outcomes: events.map(({ id }) => [id, "accepted"]) });
} }`;
const CONFIG = {
  version: 1, project: "default",
  metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }, { key: "bought", kind: "proportion", event: "purchase" }],
  experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "bought", secondary: ["revenue"] } }],
};

const draw = random(11);

/** An id as the browser makes them: version 7, which begins with the time. */
function eventId() {
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuidFrom(draw).slice(15)}`;
}

/** One visitor's batch: an exposure, and conversions up to the number of events. */
function batch(key, events) {
  const visitor = uuidFrom(draw);
  const time = Date.now();
  const variation = assign("hero", visitor, ["a", "b"]);
  const all = [{ id: eventId(), kind: "exposure", experiment: "hero", variation, time }];
  while (all.length < events) all.push({ id: eventId(), kind: "conversion", name: "purchase", value: 4900, time, page: "/thanks/" });
  return JSON.stringify({ key, visitor, sentAt: time, sdk: "bench/1", events: all });
}

/** CPU seconds of a process so far, where the system says. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Loads one address; the first quarter of a second warms it up. */
async function measure({ base, pid }, path, key, events) {
  const bodies = Array.from({ length: SECONDS * (events === 5 ? 8_000 : 2_500) }, () => post(base, path, batch(key, events)));
  await load(base, bodies.splice(0, 400), { connections: CONNECTIONS, seconds: 0.25 });
  const before = cpu(pid);
  const found = await load(base, bodies, { connections: CONNECTIONS, seconds: SECONDS });
  const total = found.requests * events;
  return { ...found, perSecond: total / found.seconds, micros: (1e6 * (cpu(pid) - before)) / total };
}

async function started(options) {
  const server = await serve({ sockets: { main: "main" }, ...options });
  return { base: server.base.main, pid: server.pid, stop: server.stop, key: "none" };
}
const trivial = () => started({ files: { "trivial.js": TRIVIAL }, services: script("main", "trivial.js") });
const storing = () => started({
  files: { "storing.js": STORING }, services: `(name = "main", worker = .main)`,
  constants: `const main :Workerd.Worker = (modules = [(name = "storing.js", esModule = embed "storing.js")], compatibilityDate = "${DATE}",
    durableObjectNamespaces = [(className = "Store", uniqueKey = "store", enableSql = true)], durableObjectStorage = (localDisk = "state"),
    bindings = [(name = "STORE", durableObjectNamespace = "Store")]);`,
});

async function splitlight(shards) {
  const server = await serve({
    files: {}, splitlight: true, services: `(name = "main", worker = .main)`, sockets: { main: "main" },
    constants: splitlightWorker("main", `(name = "SHARDS", text = "${shards}")`),
  });
  const base = server.base.main;
  await publish(base, CONFIG);
  const made = await fetch(`${base}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return { base, pid: server.pid, stop: server.stop, key: (await made.json()).key };
}

const where = statfsSync(tmpdir()).type === 0x01021994 ? "in memory (tmpfs)" : "on disk";
const plural = (shards) => `${shards} shard${shards === 1 ? "" : "s"}`;
const SETUPS = [["trivial", trivial], ["trivial, 1 INSERT", storing], ...SHARDS.map((shards) => [plural(shards), () => splitlight(shards)])];
console.log(`durable events, databases ${where}, ${CONNECTIONS} connections, ${SECONDS} s each, client and server on this machine`);
for (const [events, bar] of LOADS) {
  let stored;
  for (const [name, start] of SETUPS) {
    const server = await start();
    const found = await measure(server, "/_sl/e", server.key, events).finally(server.stop);
    if (start === storing) stored = found;
    const ours = stored && start !== storing;
    const below = found.perSecond < bar || found.p99 > P99_MS_MAX ? `  BELOW THE BAR of ${bar} events/s and ${P99_MS_MAX} ms` : "";
    const ratio = ours ? `  ${(found.perSecond / stored.perSecond).toFixed(1)}x the INSERT's rate, ${(found.micros / stored.micros).toFixed(2)}x its CPU${below}` : "";
    console.log(`  ${String(events).padStart(2)} events  ${name.padEnd(17)} ${found.perSecond.toFixed(0).padStart(7)} events/s ${(found.requests / found.seconds).toFixed(0).padStart(6)} requests/s  p50 ${found.p50.toFixed(1)} ms  p99 ${found.p99.toFixed(1)} ms  ${found.micros.toFixed(1)} µs of CPU per event${ratio}`);
  }
}
