// The Worker's entry. The core is one wasm instance for all requests of the isolate, so when it aborts, every
// request in flight would wait forever. Here each of them is told at once: pages fall open to the origin, the rest
// answers 502, and the next call gets a new instance. Plain classes, because a proxy costs on every call.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as core from "./index.js";

const state = core.__worker_init_state();
const pending = new Set();
/** By shard, the batches that wait for a call to it. */
const lanes = new Map();
let broken = 0;

state.onAbort = () => {
  broken = state.instanceId;
  const waiting = [...pending];
  pending.clear();
  lanes.clear();
  for (const reject of waiting) reject(new Error("the core aborted"));
};

// Calls into the core; rejects when the core aborts, whoever caused it.
async function run(call) {
  // A stale callback may have renewed the instance already.
  if (broken !== 0 && broken === state.instanceId) core.__wbg_reset_state();
  broken = 0;
  const { promise, resolve, reject } = Promise.withResolvers();
  pending.add(reject);
  try {
    Promise.resolve(call()).then(resolve, reject);
    return await promise;
  } finally {
    pending.delete(reject);
  }
}

// Bodies that the core streams end with an error instead of stalling.
for (const Stream of [core.IntoUnderlyingSource, core.IntoUnderlyingSink]) {
  for (const name of ["pull", "write", "close"]) {
    const method = Stream?.prototype[name];
    if (method) {
      Stream.prototype[name] = function (...args) {
        return run(() => method.apply(this, args));
      };
    }
  }
}

function durable(Core) {
  class Shell extends DurableObject {
    #core;
    #instance = 0;

    // The object of an aborted instance is gone; a new one reads its state from storage.
    call(name, args) {
      return run(() => {
        if (this.#instance !== state.instanceId) {
          this.#core = new Core(this.ctx, this.env);
          this.#instance = state.instanceId;
        }
        return this.#core[name](...args);
      });
    }
  }
  for (const name of ["fetch", "ask", "alarm", "webSocketMessage", "webSocketClose", "webSocketError"]) {
    if (name in Core.prototype) {
      Shell.prototype[name] = function (...args) {
        return this.call(name, args);
      };
    }
  }
  return Shell;
}

export class Shard extends durable(core.Shard) {}
export class Rollup extends durable(core.Rollup) {}
export class Project extends durable(core.Project) {}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    try {
      if (request.method === "POST" && new URL(request.url).pathname === intakePath(this.env)) {
        const batch = run(() => receive(request, this.env, this.ctx));
        // Whoever sent it may be gone before its turn comes.
        this.ctx.waitUntil(batch.catch(() => {}));
        return await batch;
      }
      if (passes(request, this.env)) return await origin(request, this.env).catch(unreachable);
      return await run(() => core.fetch(request, this.env, this.ctx));
    } catch (error) {
      log("core-failed", error);
      return afterAbort(request, this.env);
    }
  }
}

// Whether nothing is to be done about a request; it is asked apart from the core's own work, which costs far more.
function passes(request, env) {
  const { url } = request;
  if (passing.get(url) >= Date.now()) return true;
  const until = broken !== state.instanceId && core.passes(request, env);
  if (until <= 1) return until === 1;
  // A visitor can make up as many addresses as they like.
  if (passing.size >= PASSING_MAX) passing.clear();
  passing.set(url, until);
  return true;
}

/** Addresses on which nothing runs, whoever asks, and until when that is known. */
const passing = new Map();
const PASSING_MAX = 2000;

// The short way of a batch. The core only sees bytes, because each host object it touches costs more than a batch.
async function receive(request, env, ctx) {
  const { headers } = request;
  const origin = headers.get("origin") ?? undefined;
  const length = headers.get("content-length");
  let body;
  if (length !== null && Number(length) <= bytesMax()) body = new Uint8Array(await request.arrayBuffer());
  else body = await core.readBatch(request);
  if (Array.isArray(body)) return respond(body, origin, env);
  const named = (headNames ??= core.headNames()).map((name) => headers.get(name) ?? "");
  const head = [...named, request.cf?.country ?? ""].join("\n");
  let place = core.admit(env, ctx, head, body, false);
  if (place === undefined) {
    place = (await core.prepare(env)) ?? core.admit(env, ctx, head, body, true);
  }
  while (typeof place === "number") {
    const answer = await count(place, env, ctx);
    // Another number is that of a batch whose visitor is in another shard.
    place = typeof answer === "number" ? core.resume(answer) : answer;
  }
  return respond(place, origin, env);
}

// Waits until a shard has counted the batch that came last into its lane. While a call is under way others gather, and
// one of those makes the next call, in its own context: no context may wait for what another one has asked.
async function count(shard, env, ctx) {
  let lane = lanes.get(shard);
  if (!lane) lanes.set(shard, (lane = { name: core.shardName(env, shard), busy: false, waiting: [] }));
  const own = Promise.withResolvers();
  lane.waiting.push(own);
  if (lane.busy) {
    // The runtime takes a request that waits for nothing of its own for hung.
    const timer = setTimeout(own.reject, TURN_MS_MAX, new Error("the batch's turn never came"));
    const answer = await own.promise;
    clearTimeout(timer);
    if (answer !== LEAD) return answer;
  }
  lane.busy = true;
  // Whatever has arrived by now comes along, which saves commits under load and costs nothing without it.
  await scheduler.wait(0);
  const group = lane.waiting.splice(0, GROUP_MAX);
  const answers = await ask(shard, lane.name, group.length, env, ctx);
  lane.busy = lane.waiting.length > 0;
  for (let at = 1; at < group.length; at += 1) group[at].resolve(answers[at]);
  lane.waiting[0]?.resolve(LEAD);
  return answers[0];
}

async function ask(shard, name, count, env, ctx) {
  const question = core.gather(env, ctx, shard, count);
  const instance = state.instanceId;
  // Another instance knows nothing of this call, and may have one of its own under way.
  const still = () => {
    if (instance !== state.instanceId) throw new Error("the core restarted");
  };
  let reason = "it did not take the plan";
  try {
    const object = env.SHARD.getByName(name);
    for (let tries = 0; tries < 2; tries += 1) {
      const answer = await object.ask(question);
      still();
      const answers = core.handOut(shard, answer);
      if (answers) return answers;
      const refusal = await core.tellPlan(env, ctx, shard);
      if (refusal !== undefined) throw new Error(refusal);
    }
  } catch (error) {
    reason = String(error);
  }
  still();
  return core.refused(shard, reason);
}

const LEAD = Symbol("make the next call");
const TURN_MS_MAX = 30_000;
/** Batches of one call: at their largest they stay far below what a call may carry, 32 MiB. */
const GROUP_MAX = 200;
let ownPath, ownBytesMax, headNames;
const headersByOrigin = new Map();
const intakePath = (env) => (ownPath ??= core.intakePath(env));
const bytesMax = () => (ownBytesMax ??= core.batchBytesMax());

// An answer of the core: a text, or the status, the text and the headers of a problem.
function respond(answer, origin, env) {
  const key = origin ?? "";
  let headers = headersByOrigin.get(key);
  if (!headers) {
    // Strangers make up as many origins as they like.
    if (headersByOrigin.size >= 100) headersByOrigin.clear();
    headersByOrigin.set(key, (headers = core.intakeHeaders(env, origin)));
  }
  if (typeof answer === "string") return new Response(answer, { headers });
  if (!answer) return unavailable();
  const [status, text, ...named] = answer;
  headers = { ...headers };
  for (let at = 0; at < named.length; at += 2) headers[named[at]] = named[at + 1];
  return new Response(text, { status, headers });
}

// The page as the origin has it. Only what is safe to ask for twice; our own paths have no origin.
function afterAbort(request, env) {
  const url = new URL(request.url);
  const hosts = (env.API_HOST ?? "").split(",").map((host) => host.trim());
  const ours = hosts.includes(url.host) || url.pathname.startsWith(`${env.PREFIX ?? "/_sl"}/`);
  const repeatable = request.method === "GET" || request.method === "HEAD";
  if (ours || !repeatable) return unavailable();
  return origin(request, env).catch(unreachable);
}

// The origin's own answer. Redirects are the visitor's to follow: a request that came in says so already.
async function origin(request, env) {
  if (env.ORIGIN) return env.ORIGIN.fetch(request);
  if (!env.ORIGIN_URL) return fetch(request);
  const url = new URL(request.url);
  return fetch(new Request(env.ORIGIN_URL.replace(/\/+$/, "") + url.pathname + url.search, request));
}

function unreachable(error) {
  log("origin-unreachable", error);
  return problem("the origin is unreachable",
    "The site behind Splitlight did not answer. Check the binding ORIGIN or the variable ORIGIN_URL.", {});
}

// As worker/src/log.rs writes it, for what the core cannot say any more: no long word, address or number of a message is kept.
function log(event, error) {
  const words = String(error?.message ?? error).split(/\s+/);
  const detail = words.map((word) => (word.length > 30 || /[/?@=\d]/.test(word) ? "…" : word)).join(" ");
  console.error(JSON.stringify({ source: "splitlight", event, detail }));
}

function unavailable() {
  return problem("the core restarted", "Send the request again.", { "retry-after": "1" });
}

function problem(title, detail, more) {
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store", ...more };
  return new Response(JSON.stringify({ type: "about:blank", title, status: 502, detail }), { status: 502, headers });
}
