// A workerd of a test's own: in a folder of its own, on ports that the system gives, stopped without a trace.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The compatibility date of every Worker in the tests. */
export const DATE = "2026-10-01";

/** How much of what workerd says is kept, in characters. */
const SAID_MAX = 65536;

/**
 * Starts workerd.
 * @param {object} server
 * @param {Record<string, string | Uint8Array>} server.files Modules by name, beside the configuration.
 * @param {string} server.services The configuration's list of services, in Cap'n Proto.
 * @param {Record<string, string>} server.sockets Services by the name of their socket.
 * @param {string} [server.constants] Workers that the services name, in Cap'n Proto.
 * @param {boolean} [server.splitlight] Whether the built Worker is needed, in the folder `worker`.
 * @param {(text: string) => void} [server.hear] Takes what workerd prints, which is shown without it.
 * @param {string} [server.state] A folder whose databases the objects begin with.
 * @returns {Promise<{ base: Record<string, string>, pid: number, folder: string, crash(signal?: string): Promise<void>,
 *   stop(signal?: string, keep?: () => void): Promise<void>, start(): Promise<void> }>} Addresses by socket, new ones
 *   after a crash and another start; `keep` runs when workerd has ended and its folder is still there.
 */
export async function serve({ files, services, sockets, constants = "", splitlight = false, state, hear }) {
  const folder = mkdtempSync(join(tmpdir(), "splitlight-workerd-"));
  mkdirSync(join(folder, "state"));
  if (state) cpSync(state, join(folder, "state"), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  if (splitlight) cpSync(join(process.env.SPLITLIGHT_OUT, "worker"), join(folder, "worker"), { recursive: true });
  const listed = Object.entries(sockets).map(([name, service]) =>
    `(name = "${name}", address = "127.0.0.1:0", http = (cfBlobHeader = "x-cf-blob"), service = "${service}")`);
  writeFileSync(join(folder, "config.capnp"), `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--optimize-for-size"],
  services = [${services}, (name = "state", disk = (path = "${folder}/state", writable = true))],
  sockets = [${listed.join(", ")}]);
${constants}`);
  const server = {
    base: {},
    folder,
    said: "",
    async start() {
      const child = spawn(process.env.SPLITLIGHT_WORKERD, ["serve", join(folder, "config.capnp"), "--control-fd=3"], {
        stdio: ["ignore", hear ? "pipe" : "inherit", "pipe", "pipe"],
      });
      child.stdout?.setEncoding("utf8").on("data", hear);
      child.stderr.setEncoding("utf8").on("data", (text) => {
        if (hear) hear(text);
        else process.stderr.write(text);
        server.said = (server.said + text).slice(-SAID_MAX);
      });
      server.pid = child.pid;
      const stopped = new Promise((done) => child.once("exit", done));
      server.crash = async (signal = "SIGKILL") => {
        child.kill(signal);
        await stopped;
      };
      const found = {};
      await new Promise((done, fail) => {
        child.once("exit", (code) => fail(new Error(`workerd stopped with ${code}`)));
        child.stdio[3].on("data", (data) => {
          for (const line of String(data).trim().split("\n")) {
            const event = JSON.parse(line);
            if (event.event === "listen") found[event.socket] = `http://127.0.0.1:${event.port}`;
          }
          if (Object.keys(found).length === listed.length) done();
        });
      });
      Object.assign(server.base, found);
    },
    async stop(signal, keep = () => {}) {
      await server.crash(signal);
      keep();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A Worker of one JavaScript module, as a service. */
export const script = (name, file, bindings = "") => `(name = "${name}", worker = (
  modules = [(name = "${file}", esModule = embed "${file}")], compatibilityDate = "${DATE}", bindings = [${bindings}]))`;

/** The built Worker as a constant for {@link serve}. */
export const splitlightWorker = (constant, bindings, { entry = "worker/shim.js", modules = [], outbound = "", more = "" } = {}) => `
const ${constant} :Workerd.Worker = (
  modules = [${[[entry, "esModule"], ...modules, ["worker/index.js", "esModule"], ["worker/index_bg.wasm", "wasm"]]
    .map(([file, kind]) => `(name = "${file}", ${kind} = embed "${file}")`).join(", ")}],
  compatibilityDate = "${DATE}",
  durableObjectNamespaces = [${["Shard", "Rollup", "Project"].map((name) => `(className = "${name}", uniqueKey = "${constant}-${name}", enableSql = true)`).join(", ")}],
  durableObjectStorage = (localDisk = "state"),${outbound && ` globalOutbound = "${outbound}",`}${more}
  bindings = [${["Shard", "Rollup", "Project"].map((name) => `(name = "${name.toUpperCase()}", durableObjectNamespace = "${name}")`).join(", ")},
    (name = "ADMIN_KEY", text = "${ADMIN_KEY}"), (name = "COOKIE_KEY", text = "${"0f".repeat(32)}"), ${bindings}]);`;

/**
 * An entry around the built Worker whose `/dump` answers with every row of every object's tables, as text;
 * `?age=400` first makes what the shards keep 400 days older.
 * As many shards as `?shards=4` says, two without it, and the project `default`.
 */
export const DUMPING = `
import main, { Shard as S, Rollup as R, Project as P } from "./worker/shim.js";
const dumping = (Core) => class extends Core {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/dump") return super.fetch(request);
    const sql = this.ctx.storage.sql;
    const days = Number(url.searchParams.get("age"));
    if (days && Core === S) {
      sql.exec("UPDATE visitors SET seen = seen - ?", days);
      sql.exec("UPDATE log SET day = day - ?", days);
      sql.exec("DELETE FROM meta WHERE name = 'pruned'");
    }
    const names = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray().map(({ name }) => name);
    const tables = {};
    for (const name of names.filter((name) => !name.startsWith("_cf_"))) {
      tables[name] = sql.exec('SELECT * FROM "' + name + '"').toArray().map((row) => Object.values(row).map((value) =>
        value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : value));
    }
    return Response.json(tables);
  }
};
export class Shard extends dumping(S) {}
export class Rollup extends dumping(R) {}
export class Project extends dumping(P) {}
export default class extends main {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/dump") return super.fetch(request);
    const stubs = { rollup: this.env.ROLLUP.getByName("default"), project: this.env.PROJECT.getByName("default") };
    const shards = Number(url.searchParams.get("shards") ?? 2);
    for (let index = 0; index < shards; index += 1) stubs["shard " + index] = this.env.SHARD.getByName("default/" + index);
    const dump = {};
    for (const [name, stub] of Object.entries(stubs)) dump[name] = await (await stub.fetch("https://object/dump" + url.search)).json();
    return Response.json(dump);
  }
}`;

/** The admin key of every {@link splitlightWorker}. */
export const ADMIN_KEY = "sl_admin_test";

/** Publishes a config; throws what the Worker says when it refuses. */
export async function publish(api, config) {
  const response = await fetch(`${api}/v1/config`, {
    method: "PUT", body: JSON.stringify(config), headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  if (!response.ok) throw new Error(`publishing answered ${response.status}: ${await response.text()}`);
}
