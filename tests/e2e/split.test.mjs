// Behind the edge control is counted on the same pages as the other variations, also where the edge leaves changes to the browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edgeInFront, visitorOf } from "./_edge.mjs";
import { sleep } from "./tag.mjs";

const experiment = (key, changes, ...more) =>
  ({ key, pages: [{ include: `/${key}*` }], variations: [{ key: "control", weight: 0.5 }, { key: "b", weight: 0.5, changes }, ...more] });
const CONFIG = {
  version: 1, project: "default",
  experiments: [
    // The second one is the browser's: no stream knows what comes after a heading.
    experiment("left", [{ selector: "h1", text: "New" }, { selector: "h1 + p", text: "New" }]),
    // What the edge would take away, the browser would look for in vain.
    experiment("taken", [{ selector: "#banner", remove: true }], { key: "c", weight: 0, changes: [{ selector: "#banner + h1", text: "New" }] }),
    experiment("gone", [{ selector: "#banner", remove: true }, { selector: "h1", text: "New" }]),
  ],
};
const VISITORS = 8;
let site;

before(async () => {
  const late = `<script>setTimeout(() => document.querySelector("h1").insertAdjacentHTML("afterend", "<p>late</p>"), 300)</script>`;
  const page = (key, rest) => ["text/html", `<!doctype html><html><head><script src="/_sl/sl.js" data-key="${key}"></script></head><body><div id="banner">x</div><h1>Old</h1>${rest}</body></html>`];
  const pages = { "/left-with": "<p>Old</p>", "/left-without": "<div></div>", "/left-late": late, "/gone": "", "/taken": "" };
  site = await edgeInFront(CONFIG, (path, key) => (path in pages ? page(key, pages[path]) : undefined));
});
after(() => site?.stop());

/** New visitors of a page until there are enough of each variation; how many of each were counted there. */
async function counted(path, experiment) {
  const before = await site.counted(experiment);
  const seen = { control: 0, b: 0 };
  while (Math.min(seen.control, seen.b) < VISITORS / 2) {
    const context = await visitorOf(site.browser);
    const page = await context.newPage();
    await page.goto(site.edge + path);
    const variation = await page.evaluate((key) => splitlight.decisions().find((it) => it.key === key).variation, experiment);
    seen[variation] += 1;
    await sleep(500);
    // A page that is left sends what it has; a browser that is closed does not.
    await page.goto("about:blank");
    await sleep(100);
    await context.close();
  }
  // What was sent has arrived by the time the rollup has it.
  await sleep(1500);
  const after = await site.counted(experiment);
  return { seen, counted: { control: after.control - before.control, b: after.b - before.b } };
}

test("nobody is counted where an element that one variation leaves to the browser is missing", async () => {
  assert.deepEqual((await counted("/left-without", "left")).counted, { control: 0, b: 0 });
});

for (const [path, key] of [["/left-with", "left"], ["/left-late", "left"], ["/taken", "taken"]]) {
  test(`everybody is counted where it is there: ${path}`, async () => {
    const { seen, counted: found } = await counted(path, key);
    assert.deepEqual(found, seen);
  });
}

test("everybody is counted where the edge made all changes, also where it took the element away", async () => {
  const { seen, counted: found } = await counted("/gone", "gone");
  assert.deepEqual(found, seen);
});
