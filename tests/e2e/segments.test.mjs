// The audiences a visitor is in, told to an edge that rendered the page: only their numbers, only with consent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, sleep, until, watch } from "./tag.mjs";

const CONFIG = {
  version: 1, project: "shop",
  audiences: [
    { key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 2 } } } },
    { key: "quick", when: { $history: { event: "view", within: "10m", count: { $gte: 1 } } } },
    { key: "new", when: { $not: { $history: { event: "view", within: "30d", count: { $gte: 1 } } } } },
  ],
  personalizations: ["fans", "quick", "new"].map((key) => ({ key, slot: key, when: { $audience: key }, changes: [{ selector: "h1", attribute: { name: `data-${key}`, value: "1" } }] })),
};
const HANDOVER = `<script type="application/json" id="splitlight-handover">{"config":"hash-1","attributes":{},"decisions":[]}</script>`;
let browser, site;

before(async () => {
  browser = await chromium.launch({ executablePath, args });
  site = await openSite(scriptFor(CONFIG));
});
after(async () => {
  await browser?.close();
  site?.close();
});

const told = () => site.requests.filter(({ url }) => url === "/_sl/s").map(({ body }) => body);

async function open(handover, cookies = []) {
  site.requests.length = 0;
  site.page = () => `<!doctype html><html><head>${handover}${TAG}</head><body><h1>Original</h1></body></html>`;
  const context = await browser.newContext();
  await context.addCookies(cookies.map(([name, value]) => ({ name, value, url: site.origin })));
  const { page, all } = await watch(context);
  await page.goto(site.origin);
  const held = async () => (await context.cookies()).find(({ name }) => name === "sl_seg")?.value;
  return { context, page, all, held, view: () => page.evaluate(() => window.splitlight.track("view")) };
}

test("the edge is told when audiences change, and a former answer is gone before", async () => {
  const { context, page, all, held, view } = await open(HANDOVER);
  await until(() => told().length === 1);
  await context.addCookies([{ name: "sl_seg", value: `${told()[0]}~9999999999~signed`, url: site.origin }]);
  await page.reload();
  await sleep(200);
  assert.equal(told().length, 1, "what the edge knows is not told again");
  await view();
  await until(() => told().length === 2);
  assert.equal(await held(), undefined);
  await view();
  await until(() => told().length === 3);
  const [before, between, fan] = told();
  // Only what stays for days has a number: which one is the program's to say.
  assert.match(before, /^hash-1~\d$/);
  assert.equal(between, "hash-1~");
  assert.match(fan, /^hash-1~\d$/);
  assert.notEqual(fan, before);
  assert.deepEqual(await all(), []);
  await context.close();
});

for (const [what, handover, cookies] of [["without an edge", "", []], ["without consent", HANDOVER, [["sl_consent", "denied"]]]]) {
  test(`nobody is told ${what}`, async () => {
    const { context, view, all } = await open(handover, cookies);
    await view();
    await sleep(300);
    assert.deepEqual([told(), await all()], [[], []]);
    await context.close();
  });
}

test("who refuses takes the answer along", async () => {
  const { context, page, held } = await open(HANDOVER, [["sl_seg", "hash-1~0~9999999999~signed"]]);
  await page.evaluate(() => window.splitlight.consent("denied"));
  assert.equal(await held(), undefined);
  await context.close();
});
