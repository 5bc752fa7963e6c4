// Events outlive a collector that is down, the page, and the browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

let site;
const folders = [];
const running = new Set();

before(async () => {
  site = await openSite(scriptFor({ version: 1, project: "shop" }));
  site.page = () => `<!doctype html><html><head><title>t</title>${TAG}</head><body><h1>Shop</h1></body></html>`;
});

beforeEach(() => Object.assign(site, { batches: [], collector: 0 }));

after(() => {
  site?.close();
  // Those of a test that failed.
  for (const pid of running) process.kill(-pid, "SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

/** A browser of its own process group, which can be ended as a power cut would. */
async function start(folder) {
  const port = join(folder, "DevToolsActivePort");
  rmSync(port, { force: true });
  const flags = [...args, `--user-data-dir=${folder}`, "--remote-debugging-port=0", "about:blank"];
  const child = spawn(executablePath, flags, { detached: true, stdio: "ignore" });
  const gone = new Promise((resolve) => child.on("exit", resolve));
  await until(() => existsSync(port) && readFileSync(port, "utf8").includes("\n"), 20_000);
  running.add(child.pid);
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(port, "utf8").split("\n")[0]}`);
  const kill = async () => {
    if (running.delete(child.pid)) process.kill(-child.pid, "SIGKILL");
    await gone;
  };
  return { context: browser.contexts()[0], kill };
}

const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "splitlight-outbox-"));
  folders.push(folder);
  return folder;
};

const trackTen = (page) =>
  page.evaluate(() => {
    for (let i = 0; i < 10; i++) splitlight.track("kept", { i });
  });

async function tenOnce() {
  await until(() => site.events().length >= 10, 15_000);
  // A second delivery would come now.
  await sleep(1000);
  // By its id, as the collector counts: a page that ends does not hear the answer, so the next one says it again.
  const all = site.events();
  assert.equal(all.length, 10, "each was delivered once");
  assert.deepEqual(all.map((event) => event.properties.i).sort((a, b) => a - b), [...Array(10).keys()]);
}

test("a collector that is down, and another page: ten of ten arrive once", async () => {
  const { context, kill } = await start(newFolder());
  const { page, all } = await watch(context);
  await page.goto(`${site.origin}/one`);
  await trackTen(page);
  await sleep(300);
  assert.deepEqual(site.batches, []);
  await page.goto(`${site.origin}/two`);
  assert.deepEqual(site.batches, []);
  site.collector = 200;
  await page.goto(`${site.origin}/three`);
  await tenOnce();
  assert.deepEqual(await all(), []);
  await kill();
});

test("kill -9 of the browser after a second: ten of ten arrive once from the next one", async () => {
  const folder = newFolder();
  const first = await start(folder);
  const { page } = await watch(first.context);
  await page.goto(`${site.origin}/one`);
  await trackTen(page);
  await sleep(1000);
  await first.kill();
  assert.deepEqual(site.batches, []);
  site.collector = 200;
  const second = await start(folder);
  const next = await watch(second.context);
  await next.page.goto(`${site.origin}/two`);
  await tenOnce();
  assert.deepEqual(await next.all(), []);
  await second.kill();
});

test("more than the outbox holds: what was made is what arrived and what was said to be dropped", async () => {
  const { context, kill } = await start(newFolder());
  const { page, all } = await watch(context);
  site.collector = 503;
  await page.goto(`${site.origin}/one`);
  const made = 1_100;
  await page.evaluate((count) => {
    for (let i = 0; i < count; i++) splitlight.track("kept", { i });
  }, made);
  await sleep(300);
  assert.deepEqual(site.batches, []);
  site.collector = 200;
  await until(() => site.events().length >= 1_001, 15_000);
  await sleep(1000);
  const isTold = ({ kind }) => kind === "dropped";
  const [told, arrived] = [site.events().filter(isTold), site.events().filter((event) => !isTold(event))];
  assert.deepEqual([arrived.length, told.map(({ name, value }) => [name, value])], [1_000, [["overflow", made - 1_000]]]);
  assert.equal(site.batches.flatMap(({ events }) => events).length, 1_001, "nothing came twice, so nothing is queued");
  // The oldest went: a visitor's last steps say more than their first.
  assert.equal(Math.min(...arrived.map(({ properties }) => properties.i)), made - 1_000);
  assert.deepEqual(await all(), []);
  await kill();
});

test("whatever the collector does: what was made was taken, refused, said to be dropped, or is still queued", async () => {
  const { context, kill } = await start(newFolder());
  const { page, all } = await watch(context);
  const FATES = [503, "unheard", 200, 0, 429, 200, "unheard", 200, 413, 200];
  site.faults = [...FATES];
  site.collector = 200;
  const refused = new Set();
  const made = { sound: 1_150, nameless: 4, oversize: 3, odd: 2 };
  await page.goto(`${site.origin}/one`);
  // Batches that the collector refuses as a whole; the loader says of them that they were dropped as rejected.
  page.on("request", (request) => request.url().endsWith("/e") && request.response().then((response) => {
    if (response?.status() === 413) refused.add(request.postData());
  }, () => {}));
  await page.evaluate(({ sound, nameless, oversize, odd }) => {
    for (let i = 0; i < sound; i++) splitlight.track("kept", { i });
    for (let i = 0; i < nameless; i++) splitlight.track("");
    for (let i = 0; i < oversize; i++) splitlight.track("kept", { text: "x".repeat(5000) });
    for (let i = 0; i < odd; i++) splitlight.track("kept", { get boom() { throw new Error("boom"); } });
  }, made);
  const queued = () => page.evaluate(() => new Promise((resolve) => {
    const request = indexedDB.open("splitlight");
    request.onsuccess = () => {
      const count = request.result.transaction("outbox").objectStore("outbox").count();
      count.onsuccess = () => resolve(count.result);
    };
  }));
  await until(async () => !site.faults.length && (await queued()) === 0, 60_000);
  site.collector = 0;
  await page.evaluate(() => splitlight.track("late"));
  await sleep(500);
  assert.equal(await queued(), 1);
  const taken = site.events().filter(({ kind }) => kind !== "dropped");
  const twice = site.batches.flatMap(({ events }) => events).length - site.events().length;
  const said = {};
  for (const { name, value } of site.events().filter(({ kind }) => kind === "dropped")) said[name] = (said[name] ?? 0) + value;
  const total = made.sound + made.nameless + made.oversize + made.odd + 1;
  const accounted = taken.length + Object.values(said).reduce((sum, count) => sum + count, 0) + (await queued());
  console.log(`made ${total}: taken ${taken.length} (${twice} came twice), dropped ${JSON.stringify(said)}, queued ${await queued()}`);
  assert.equal(accounted, total);
  assert.ok(twice > 0 && said.overflow === 150 && said.rejected > 0 && refused.size === 1);
  assert.deepEqual([said.name, said.oversize, said.properties], [made.nameless, made.oversize, made.odd]);
  assert.deepEqual(await all(), []);
  await kill();
});
