// Compares the script tag with GrowthBook's on one page: 20 experiments, everything local, a new profile each time.
//
// GrowthBook's script tag does what ours does, which is to know the visitor by a cookie; its library alone does not.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { median } from "./_engine.mjs";
import { args, executablePath, listen, scriptFor, sleep } from "../e2e/tag.mjs";

const EXPERIMENTS = 20;
const REPEATS = 15;
// A task that is longer makes a page feel stuck, as browsers define it.
const LONG_TASK_MS = 50;
// The two take turns, and what this task adds to a page is seen by none of them.
const SETTLE_MS = 300;
// A browser that has just begun is still busy with itself.
const BEGIN_MS = 1500;

const visitor = { uid: "visitor-7", plan: "pro", visits: 7, geo: { country: "ES" } };
const conditions = [
  { plan: "pro" }, { visits: { $gte: 3 } }, { "geo.country": { $in: ["ES", "FR"] } }, { plan: { $ne: "free" }, visits: { $lt: 9 } },
];
const experiments = Array.from({ length: EXPERIMENTS }, (_, at) => ({ key: `e${at}`, when: conditions[at % conditions.length] }));
const config = {
  version: 1, project: "bench",
  experiments: experiments.map(({ key, when }) => ({
    key, when, unit: "uid",
    variations: [{ key: "control" }, { key: "bold", changes: [{ selector: `#${key}`, text: "changed" }] }],
  })),
};
const payload = {
  features: {},
  experiments: experiments.map(({ key, when }) => ({
    key, condition: when, seed: key, hashAttribute: "uid", hashVersion: 2, weights: [0.5, 0.5], manual: false,
    variations: [{}, { domMutations: [{ selector: `#${key}`, action: "set", attribute: "html", value: "changed" }] }],
  })),
};

const bundle = (name) => readFileSync(new URL(`../../node_modules/@growthbook/growthbook/dist/bundles/${name}`, import.meta.url), "utf8");
// Between a long script and the next one the parser may give way to a frame, which is no part of either. What a script says
// of itself to the browser has to stay its first line.
const timed = (script) => {
  const [, hint, rest] = /^(\/\/#.*\n)?([^]*)$/.exec(script);
  return `${hint ?? ""}window.began = performance.now();${rest}
;window.ended = performance.now();`;
};
// Files, as the tags of both name them; what is set before them is theirs to read.
const scripts = {
  ours: { before: `splitlight_config = { attributes: ${JSON.stringify(visitor)} }`, file: timed(scriptFor(config)) },
  theirs: {
    before: `growthbook_config = ${JSON.stringify({ clientKey: "sdk-x", attributes: visitor, payload, noStreaming: true })}`,
    file: timed(bundle("auto.min.js")),
  },
  library: {
    file: timed(`${bundle("index.min.js")}
    new growthbook.GrowthBook({ attributes: ${JSON.stringify(visitor)} }).initSync({ payload: ${JSON.stringify(payload)} });`),
  },
  neither: { file: timed("") },
};
const page = (name) => `<!doctype html><meta charset="utf-8"><title>bench</title>
  ${experiments.map(({ key }) => `<p id="${key}">original</p>`).join("")}
  <script>
    window.long = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => long.push(duration))).observe({ type: "longtask", buffered: true });
    new MutationObserver(() => (window.applied = performance.now())).observe(document.body, { childList: true, characterData: true, subtree: true });
  </script>
  <script>${scripts[name].before ?? ""}</script>
  <script data-key="sl_write_x" data-api="/_sl" src="/${name}.js"></script>`;

const site = await listen((request, response) => {
  const [name, type = "html"] = request.url.slice(1).split(".");
  const script = scripts[name];
  response.writeHead(script ? 200 : 404, { "content-type": `text/${type === "js" ? "javascript" : type}; charset=utf-8` });
  response.end(script && (type === "js" ? script.file : page(name)));
});

/** One load in a profile of its own. */
async function load(name) {
  const profile = mkdtempSync(join(tmpdir(), "splitlight-profile-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable");
    await sleep(BEGIN_MS);
    await page.goto(`${site.origin}/${name}`);
    await sleep(SETTLE_MS);
    const metrics = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((it) => [it.name, it.value]));
    const { TaskDuration } = await metrics();
    await session.send("HeapProfiler.collectGarbage");
    const { JSHeapUsedSize } = await metrics();
    const seen = await page.evaluate(() => ({
      decided: window.ended - window.began,
      applied: Math.max(window.applied ?? window.ended, window.ended) - window.began,
      long: window.long,
      changed: [...document.querySelectorAll("p")].map((it) => it.textContent === "changed"),
    }));
    return { ...seen, main: TaskDuration * 1000, heap: JSHeapUsedSize / 1024 };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

const loads = { ours: [], theirs: [], library: [], neither: [] };
try {
  for (let i = 0; i < REPEATS; i++) for (const name of Object.keys(loads)) loads[name].push(await load(name));
} finally {
  site.close();
}

const all = (name, what) => loads[name].map((it) => it[what]);
const without = { main: median(all("neither", "main")), heap: median(all("neither", "heap")) };
console.log(`\n${EXPERIMENTS} experiments, ${REPEATS} new profiles: Splitlight, GrowthBook's script tag and ratio, its library alone and ratio`);
for (const [what, unit, title] of [
  ["decided", "ms", "script start to the end of the script"], ["applied", "ms", "script start to decided and applied"],
  ["main", "ms", "main thread, beyond the page without any"], ["heap", "KiB", "JS heap, beyond the page without any"],
]) {
  for (const [which, choose] of [["median", median], ["fastest", (list) => Math.min(...list)]]) {
    const [us, ...them] = ["ours", "theirs", "library"].map((name) => choose(all(name, what)) - (without[what] ?? 0));
    const against = them.map((it) => `${it.toFixed(1).padStart(8)} ${`${(us / it).toFixed(2)}x`.padStart(6)}`).join("");
    console.log(`  ${`${title}, ${which}`.padEnd(52)} ${us.toFixed(1).padStart(8)} ${against} ${unit}`);
  }
}
const long = all("ours", "long").flat().filter((duration) => duration > LONG_TASK_MS);
console.log(`  long tasks of all loads: ${long.length} of ours, ${all("theirs", "long").flat().length} of its script tag`);

const decisions = (name) => new Set(all(name, "changed").map((changed) => changed.map(Number).join("")));
const made = [...new Set(["ours", "theirs", "library"].flatMap((name) => [...decisions(name)]))];
if (made.length !== 1 || !made[0].includes("1") || !made[0].includes("0")) {
  console.error(`error: all have to make the same changes on every load, and made ${made.join(", ")}`);
  process.exitCode = 1;
} else if (long.length > 0) {
  console.error(`error: the script may not hold the page for more than ${LONG_TASK_MS} ms, and did for ${long.join(", ")}`);
  process.exitCode = 1;
}
