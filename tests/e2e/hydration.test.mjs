// A page that React renders on a server and the edge changes is hydrated in Chromium: React finds nothing wrong, and the change stays.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildSync } from "esbuild";
import { edgeInFront, visitorOf } from "./_edge.mjs";

const CONFIG = {
  version: 1, project: "default",
  experiments: [
    { key: "hero", variations: [{ key: "control", weight: 0 }, { key: "picked", weight: 1,
      value: { title: "Picked for you" }, changes: [{ selector: "#hero", text: "Picked for you" }] }] },
    { key: "offer", variations: [{ key: "control", weight: 0 }, { key: "year", weight: 1, changes: [{ selector: "#offer", text: "Returns for a year" }] }] },
  ],
};
// As for a Worker: the rendering that is made for browsers holds a port open, and Node would wait for it.
const bundle = (file, format) => buildSync({
  conditions: ["workerd"],
  entryPoints: [new URL(`../../examples/hydration/${file}`, import.meta.url).pathname], bundle: true, write: false, format, jsx: "automatic",
  platform: "browser", logLevel: "error",
  // React says what is wrong only where people develop.
  define: { "process.env.NODE_ENV": '"development"' },
}).outputFiles[0].text;
let site;

before(async () => {
  const server = await import(`data:text/javascript;base64,${Buffer.from(bundle("server.jsx", "esm")).toString("base64")}`);
  const client = bundle("client.jsx", "iife");
  const tag = (key) => `<script src="/_sl/sl.js" data-key="${key}"></script>`;
  const pages = {
    "/": (key) => server.page(tag(key)),
    "/naive": (key) => server.page(tag(key), true),
    "/document": (key) => server.document({ script: "/_sl/sl.js", writeKey: key }),
  };
  site = await edgeInFront(CONFIG, (path, key) => (path === "/client.js" ? ["text/javascript", client] : pages[path] && ["text/html", pages[path](key)]));
});
after(() => site?.stop());

/** Opens a page, and waits until React answers to a click: what it says then, and what it complained of. */
async function open(path) {
  const context = await visitorOf(site.browser);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const sent = await (await page.goto(site.edge + path)).text();
  const button = page.locator("button");
  for (let bought = 0; bought < 2; bought += 1) {
    while ((await button.textContent()) === `Bought ${bought}`) await button.click();
  }
  const text = (selector) => page.locator(selector).textContent();
  const found = { sent, hero: await text("#hero"), offer: await text("#offer"), complaints: complaints.filter((text) => !/favicon|404/.test(text)) };
  await context.close();
  return found;
}

for (const path of ["/", "/document"]) {
  test(`a change of the edge is taken over without a complaint and stays: ${path}`, async () => {
    const { sent, hero, offer, complaints } = await open(path);
    assert.match(sent, /<h1 id="hero">Picked for you<\/h1><p id="offer">Returns for a year<\/p>/);
    assert.deepEqual({ hero, offer, complaints }, { hero: "Picked for you", offer: "Returns for a year", complaints: [] });
  });
}

test("a page that knows nothing of the change complains, and takes it back", async () => {
  const { sent, hero, complaints } = await open("/naive");
  assert.match(sent, /<h1 id="hero">Picked for you/);
  assert.equal(hero, "Good things");
  assert.ok(complaints.some((text) => /hydrat/i.test(text)), complaints.join("\n"));
});
