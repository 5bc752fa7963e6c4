// A script tag under test: a site and a collector that do what a test says, and pages that tell what went wrong.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
const target = process.env.SPLITLIGHT_TARGET ?? process.env.CARGO_TARGET_DIR ?? join(root, "target");
const out = process.env.SPLITLIGHT_OUT ?? join(target, "splitlight");

export const executablePath = process.env.SPLITLIGHT_CHROMIUM ?? process.env.CHROMIUM ?? "/usr/bin/chromium";
export const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update"];
export const TAG = '<script src="/_sl/sl.js" data-key="sl_write_x"></script>';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something holds, and says what did not. */
export const until = async (holds, ms = 5000) => {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) if (await holds()) return;
  throw new Error(`not within ${ms} ms: ${holds}`);
};

const latin1 = (bytes) => JSON.stringify(Buffer.from(bytes).toString("latin1"));

/** What the Worker knows of a config for its pages: `program`, the bytes, whether the `slim` core decides it, and `site`. */
export function publish(config) {
  const file = join(mkdtempSync(join(tmpdir(), "splitlight-")), "config.json");
  writeFileSync(file, JSON.stringify(config));
  const cargo = ["run", "--quiet", "--package", "splitlight-engine", "--example", "page", "--", file];
  return JSON.parse(execFileSync("cargo", cargo, { cwd: root, maxBuffer: 1 << 24 }));
}

const filled = (name, { program, site }) =>
  readFileSync(join(out, "assets", name), "utf8")
    .replace('"@@PROGRAM@@"', () => latin1(program)).replace('"@@SITE@@"', () => JSON.stringify(site));

/** `sl.js` as the Worker serves it for a config. */
export function scriptFor(config) {
  const published = publish(config);
  return filled(published.slim ? "sl.js" : "sl-whole.js", published);
}

/** `decide.js` as the Worker serves it for a config. */
export const decideFor = (config) => filled("decide.js", publish(config));

/** A part of the script below `/_sl`, as the Worker serves it; nothing when there is none. */
export function part(pathname) {
  const file = join(out, "assets", pathname.replace(/^\/_sl/, ""));
  return pathname.startsWith("/_sl/p/") && existsSync(file) ? readFileSync(file) : undefined;
}

/** A server on a port of its own, as its origin and the means to end it. */
export async function listen(handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

/** A site on a port of its own; what is assigned to its members is what it does from then on. */
export async function openSite(script) {
  const site = {
    script,
    // How sl.js, a page and the collector answer; each may be replaced by a function of request and response.
    serve: undefined,
    page: () => "",
    headers: {},
    collector: 200,
    // How the collector answers next, before that: a status, 0 for not at all, "unheard" for taking it and not saying so.
    faults: [],
    // How the collector answers who wants to be forgotten.
    forget: 200,
    // Whether the parts of the script are served, and after how many milliseconds.
    parts: true,
    partsAfter: 0,
    batches: [],
    requests: [],
    // As the collector counts: an event that came twice is one event.
    events: () =>
      [...new Map(site.batches.flatMap(({ events }) => events).map((event) => [event.id, event])).values()],
  };
  const served = await listen((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => {
      const body = Buffer.concat(parts).toString();
      site.requests.push({ url: request.url, headers: request.headers, body });
      if (pathname === "/_sl/sl.js") {
        if (site.serve) return site.serve(response);
        response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(site.script);
      } else if (pathname.startsWith("/_sl/p/")) {
        const text = site.parts && part(pathname);
        response.writeHead(text ? 200 : 404, { "content-type": "text/javascript; charset=utf-8" });
        setTimeout(() => response.end(text), site.partsAfter);
      } else if (pathname === "/_sl/e") {
        const status = site.faults.shift() ?? site.collector;
        if (status === 200 || status === "unheard") site.batches.push(JSON.parse(body));
        if (status === 0 || status === "unheard") return response.destroy();
        response.writeHead(status, { "access-control-allow-origin": "*" }).end("{}");
      } else if (pathname === "/_sl/forget") {
        if (site.forget === 0) return response.destroy();
        response.writeHead(site.forget, { "access-control-allow-origin": "*" }).end("{}");
      } else if (pathname === "/favicon.ico") response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...site.headers }).end(site.page(pathname));
    });
  });
  return Object.assign(site, served);
}

/** A page of a context, and the errors, rejections and warnings it had so far. */
export async function watch(context, init) {
  const page = await context.newPage();
  const errors = [];
  const warnings = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  await page.addInitScript(() => {
    window.failures = [];
    addEventListener("unhandledrejection", ({ reason }) => window.failures.push(`rejected: ${reason}`));
    addEventListener("error", ({ message }) => message && window.failures.push(message));
  });
  if (init) await page.addInitScript(init);
  return { page, errors, warnings, all: async () => [...errors, ...(await page.evaluate(() => window.failures))] };
}
