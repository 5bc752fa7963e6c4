// CPU of one edge request: Splitlight against pass-through and against a JavaScript Worker with HTMLRewriter, in one workerd.

import { existsSync, readFileSync } from "node:fs";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";

const REQUESTS = 150;
const ROUNDS = 3;
const ORIGIN = `(name = "ORIGIN", service = "origin")`;

const row = (i) => `<li class="row"><a href="/p/${i}"><img src="/i/${i}.svg" alt=""><h3>Product ${i}</h3><p>A thing of use and beauty.</p></a></li>\n`;
const page = (bytes) => {
  const rows = Array.from({ length: Math.ceil(bytes / row(1000).length) }, (_, i) => row(i)).join("");
  return `<!doctype html><html><head><title>Shop</title></head><body><section id="hero"><h1>Good things</h1><a class="cta" id="cta" href="/">Browse</a></section><div id="offers"></div><ul>${rows}</ul></body></html>`;
};
const changes = [
  { selector: "#hero", attribute: { name: "data-tone", value: "warm" } },
  { selector: "#cta", text: "Find your favorites" },
  { selector: "#offers", html: "<p>Delivered today</p>" },
];
const config = {
  version: 1, project: "default",
  experiments: [
    { key: "small", pages: [{ include: "/small" }, { include: "/large" }], variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes }] },
    { key: "many", pages: [{ include: "/many" }], variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [{ selector: ".row", class: { add: ["new"] } }] }] },
  ],
};

const modules = {
  "origin.js": `
const pages = { "/small": SMALL, "/many": SMALL, "/other": SMALL, "/large": LARGE };
const encoder = new TextEncoder();
const bodies = Object.fromEntries(Object.entries(pages).map(([path, text]) => [path, encoder.encode(text)]));
export default { fetch(request) {
  const body = bodies[new URL(request.url).pathname];
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8" } });
} };`.replaceAll("SMALL", JSON.stringify(page(100_000))).replaceAll("LARGE", JSON.stringify(page(1_000_000))),
  "pass.js": `export default { fetch(request, env) { return env.ORIGIN.fetch(request); } };`,
  "rewriter.js": `
export default { async fetch(request, env) {
  const response = await env.ORIGIN.fetch(request);
  if (new URL(request.url).pathname === "/other") return response;
  const rewriter = new URL(request.url).pathname === "/many"
    ? new HTMLRewriter().on(".row", { element(e) { e.setAttribute("class", e.getAttribute("class") + " new"); } })
    : new HTMLRewriter()
      .on("#hero", { element(e) { e.setAttribute("data-tone", "warm"); } })
      .on("#cta", { element(e) { e.setInnerContent("Find your favorites"); } })
      .on("#offers", { element(e) { e.setInnerContent("<p>Delivered today</p>", { html: true }); } });
  return rewriter.transform(response);
} };`,
};
/** CPU seconds of a process so far, or wall seconds where the system does not say. */
function cpu(pid) {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return performance.now() / 1000;
  const fields = readFileSync(file, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", cookie: "" };

async function measure(pid, base, path) {
  const before = cpu(pid);
  for (let i = 0; i < REQUESTS; i += 1) await (await fetch(`${base}${path}`, { headers })).arrayBuffer();
  return (1000 * (cpu(pid) - before)) / REQUESTS;
}

const server = await serve({
  files: modules, splitlight: true,
  services: [
    script("origin", "origin.js"), script("pass", "pass.js", ORIGIN), script("rewriter", "rewriter.js", ORIGIN),
    `(name = "splitlight", worker = .splitlight)`,
  ].join(", "),
  sockets: { pass: "pass", rewriter: "rewriter", splitlight: "splitlight" },
  constants: splitlightWorker("splitlight", `${ORIGIN}, (name = "ASSETS", service = "origin")`),
});
try {
  await publish(`${server.base.splitlight}/_sl`, config);
  const cases = [["100 KB, 3 unique changes", "/small"], ["100 KB, every row changed", "/many"], ["1 MB, 3 unique changes", "/large"], ["100 KB, nothing to change", "/other"]];
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  console.log(`CPU per request in ms, median of ${ROUNDS} rounds of ${REQUESTS} requests, origin included`);
  console.log(`${"page".padEnd(28)}${"pass-through".padStart(14)}${"HTMLRewriter".padStart(14)}${"Splitlight".padStart(12)}${"of HTMLRewriter".padStart(17)}${"of pass-through".padStart(17)}`);
  for (const [name, path] of cases) {
    const text = async (service) => (await (await fetch(`${server.base[service]}${path}`, { headers })).text());
    const changed = (await text("splitlight")).includes(path === "/many" ? 'class="row new"' : "Delivered today");
    if (changed !== (path !== "/other")) throw new Error(`${name}: Splitlight ${changed ? "changed" : "did not change"} the page`);
    const rounds = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const now = [];
      for (const service of ["pass", "rewriter", "splitlight"]) now.push(await measure(server.pid, server.base[service], path));
      // The first round warms up.
      if (round > 0) rounds.push(now);
    }
    const [pass, rewriter, ours] = [0, 1, 2].map((i) => median(rounds.map((r) => r[i])));
    console.log(`${name.padEnd(28)}${pass.toFixed(2).padStart(14)}${rewriter.toFixed(2).padStart(14)}${ours.toFixed(2).padStart(12)}${`${(ours / rewriter).toFixed(2)}x`.padStart(17)}${`${(ours / pass).toFixed(2)}x`.padStart(17)}`);
  }
} finally {
  await server.stop();
}
