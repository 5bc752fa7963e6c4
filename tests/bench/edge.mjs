// One edge request: Splitlight against pass-through, a JavaScript Worker with the runtime's HTMLRewriter, and GrowthBook's
// Worker, each in a workerd of its own with the same origin, side by side in every round.

import { buildSync } from "esbuild";
import { readFileSync, readdirSync } from "node:fs";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";
import { edits, growthbook, origin, ours, page, rewriter } from "./_edge-pages.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const IN_FLIGHT = 4;
/** Bytes that one round moves, which makes rounds about as long whatever the page. */
const ROUND_BYTES = 12_000_000;
const WARM_UP = 3;
const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", cookie: "" };

const cases = [20, 100, 1000].flatMap((kb) => ["unique", 4, 80, 375].map((matches) => ({ kb, matches, path: `/${kb}/${matches}` })))
  .filter(({ kb, matches }) => matches === "unique" || matches <= kb * 5);
const pages = { "/other": page(100_000, 4), ...Object.fromEntries(cases.map(({ kb, matches, path }) => [path, page(kb * 1000, matches)])) };
const paths = Object.fromEntries([...cases.map(({ matches, path }) => [path, edits(matches)]), ["/slow", edits("unique")]]);
const config = {
  version: 1, project: "default",
  experiments: Object.entries(paths).map(([path, list]) => ({
    key: path.replaceAll("/", "k"), pages: [{ include: path }], variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: ours(list) }],
  })),
};

const bundled = buildSync({
  stdin: { contents: growthbook(paths), resolveDir: process.cwd() }, bundle: true, format: "esm", minify: true, write: false, logLevel: "error",
}).outputFiles[0].text;
const ORIGIN = `(name = "ORIGIN", service = "origin")`;
const workers = {
  "pass-through": { files: { "main.js": "export default { fetch: (request, env) => env.ORIGIN.fetch(request) };" } },
  HTMLRewriter: { files: { "main.js": rewriter(paths) } },
  GrowthBook: { files: { "main.js": bundled }, outbound: true },
  Splitlight: { splitlight: true },
};

function start({ files = {}, outbound, splitlight }) {
  const main = splitlight ? `(name = "main", worker = .main)` : script("main", "main.js", ORIGIN);
  return serve({
    files: { "origin.js": origin(pages), ...files }, splitlight,
    services: `${script("origin", "origin.js")}, ${outbound ? main.replace(/\)\)$/, `, globalOutbound = "origin"))`) : main}`,
    sockets: { main: "main" },
    constants: splitlight ? splitlightWorker("main", `${ORIGIN}, (name = "ASSETS", service = "origin")`) : "",
  });
}

/** CPU milliseconds of a process so far, all its threads. */
function cpu(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]), 0) / 1e6;
}

const peak = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];
const median = (list) => quantile(list, 0.5);
const text = async (base, path) => (await fetch(base + path, { headers })).text();

/** CPU per request, requests per second and the times of all requests. */
async function round({ pid, base }, path, requests) {
  const times = [];
  const [cpuBefore, begun] = [cpu(pid), performance.now()];
  let left = requests;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) {
      const sent = performance.now();
      await (await fetch(base.main + path, { headers })).arrayBuffer();
      times.push(performance.now() - sent);
    }
  }));
  const seconds = (performance.now() - begun) / 1000;
  return { cpu: (cpu(pid) - cpuBefore) / requests, rate: requests / seconds, times };
}

/** That everybody made the edits, and that our page is theirs but for what we hand over. */
async function check(servers, path) {
  const found = {};
  for (const [name, { base }] of Object.entries(servers)) found[name] = await text(base.main, path);
  const own = found.Splitlight.replace(/<script type="application\/json" id="splitlight-handover">.*?<\/script>/, "");
  if (own !== found.HTMLRewriter) throw new Error(`${path}: Splitlight's page is not HTMLRewriter's`);
  const is = (html) => html.includes("Find your favorites");
  if (!is(found.GrowthBook) || is(found["pass-through"]) || !is(own)) throw new Error(`${path}: somebody did not make the edits`);
}

async function compare(servers, path, bytes) {
  const requests = Math.max(12, Math.min(300, Math.round(ROUND_BYTES / bytes)));
  const found = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let at = -WARM_UP; at < ROUNDS; at += 1) {
    for (const [name, server] of Object.entries(servers)) {
      const one = await round(server, path, requests);
      if (at >= 0) found[name].push(one);
    }
  }
  return found;
}

function print(title, found) {
  const of = (name) => median(found[name].map((one) => one.cpu));
  const ratio = (other) => median(found.Splitlight.map((one, at) => one.cpu / found[other][at].cpu)).toFixed(2);
  console.log(title);
  for (const [name, rounds] of Object.entries(found)) {
    const times = rounds.flatMap((one) => one.times);
    const cells = [of(name).toFixed(2), Math.round(median(rounds.map((one) => one.rate))), quantile(times, 0.5).toFixed(1), quantile(times, 0.99).toFixed(1)];
    console.log(`  ${name.padEnd(14)}${cells.map((cell) => String(cell).padStart(10)).join("")}${name === "Splitlight" ? "" : `${ratio(name).padStart(12)}x`}`);
  }
}

/** Milliseconds until the first byte and until the heading of a page whose rest comes after 500 ms. */
async function slow({ base }) {
  const begun = performance.now();
  let [first, seen] = [0, ""];
  for await (const chunk of (await fetch(`${base.main}/slow`, { headers })).body) {
    first ||= performance.now() - begun;
    seen += Buffer.from(chunk);
    if (seen.includes("</h1>")) return { first, heading: performance.now() - begun };
  }
  return { first, heading: Infinity };
}

const servers = {};
try {
  for (const [name, worker] of Object.entries(workers)) servers[name] = await start(worker);
  await publish(`${servers.Splitlight.base.main}/_sl`, config);
  console.log(`CPU per request in ms, requests per second, p50 and p99 in ms, and Splitlight's CPU as a multiple; medians of ${ROUNDS} rounds, origin included`);
  const { GrowthBook: _, ...others } = servers;
  print("100 KB, nothing to change for this visitor", await compare(others, "/other", 100_000));
  for (const { kb, matches, path } of cases) {
    await check(servers, path);
    const what = matches === "unique" ? "10 edits of unique elements in the upper half" : `10 edits, ${matches} matches to the end`;
    print(`${kb} KB, ${what}`, await compare(servers, path, kb * 1000));
  }
  console.log("an origin that sends its heading at once and the rest after 500 ms: first byte and heading in ms");
  for (const [name, server] of Object.entries(servers)) {
    const runs = [];
    for (let at = 0; at < 4; at += 1) runs.push(await slow(server));
    const of = (part) => median(runs.slice(1).map((run) => run[part])).toFixed(1);
    console.log(`  ${name.padEnd(14)}${of("first").padStart(10)}${of("heading").padStart(10)}`);
  }
  console.log("peak memory in MB, the origin and its pages included");
  for (const [name, { pid }] of Object.entries(servers)) console.log(`  ${name.padEnd(14)}${peak(pid).toFixed(0).padStart(10)}`);
} finally {
  for (const server of Object.values(servers)) await server.stop();
}
