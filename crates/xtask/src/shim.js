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
      return await run(() => core.fetch(request, this.env, this.ctx));
    } catch (error) {
      console.error("splitlight:", error);
      return afterAbort(request, this.env);
    }
  }
}

// The page as the origin has it. Only what is safe to ask for twice; our own paths have no origin.
function afterAbort(request, env) {
  const url = new URL(request.url);
  const hosts = (env.API_HOST ?? "").split(",").map((host) => host.trim());
  const ours = hosts.includes(url.host) || url.pathname.startsWith(`${env.PREFIX ?? "/_sl"}/`);
  const repeatable = request.method === "GET" || request.method === "HEAD";
  if (ours || !repeatable) return unavailable();
  if (env.ORIGIN) return env.ORIGIN.fetch(request);
  if (env.ORIGIN_URL) return fetch(new Request(new URL(url.pathname + url.search, env.ORIGIN_URL), request));
  return fetch(request);
}

function unavailable() {
  const problem = { type: "about:blank", title: "the core restarted", status: 502, detail: "Send the request again." };
  const headers = { "content-type": "application/problem+json", "retry-after": "1" };
  return new Response(JSON.stringify(problem), { status: 502, headers });
}
