// The Worker's entry. The core is one wasm instance for all requests of the isolate, so when it aborts, every
// request in flight would wait forever. Here each of them is told at once: pages fall open to the origin, the rest
// answers 502, and the next call gets a new instance. Plain classes, because a proxy costs on every call.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as core from "./index.js";

const state = core.__worker_init_state();
const pending = new Set();
let broken = 0;

state.onAbort = () => {
  broken = state.instanceId;
  const waiting = [...pending];
  pending.clear();
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
  for (const name of ["fetch", "alarm", "webSocketMessage", "webSocketClose", "webSocketError"]) {
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
      if (passes(request, this.env)) return await origin(request, this.env).catch(unreachable);
      return await run(() => core.fetch(request, this.env, this.ctx));
    } catch (error) {
      console.error("splitlight:", error);
      return afterAbort(request, this.env);
    }
  }
}

// Whether nothing is to be done about a request; it is asked apart from the core's own work, which costs far more.
function passes(request, env) {
  return broken !== state.instanceId && core.passes(request, env);
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
  console.error("splitlight: the origin cannot be reached:", error);
  return problem("the origin is unreachable",
    "The site behind Splitlight did not answer. Check the binding ORIGIN or the variable ORIGIN_URL.", {});
}

function unavailable() {
  return problem("the core restarted", "Send the request again.", { "retry-after": "1" });
}

function problem(title, detail, more) {
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store", ...more };
  return new Response(JSON.stringify({ type: "about:blank", title, status: 502, detail }), { status: 502, headers });
}
