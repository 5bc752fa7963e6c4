// Whatever fails, the page is the original, in time, and nothing of ours is an error of the page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { TAG, args, executablePath, openSite, scriptFor, watch } from "./tag.mjs";

// The original may be there this much later than on the page without us, whatever fails.
const CONTROL_MS = 500;

const config = {
  version: 1,
  project: "shop",
  experiments: [
    { key: "hero", status: "running", variations: [
      { key: "control", weight: 0 },
      { key: "bold", weight: 1, changes: [{ selector: "#hero h1", text: "Bold" }] }] },
  ],
  personalizations: [
    { key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 1 } } },
      changes: [{ selector: "#fans", text: "Fan" }] },
  ],
  features: [{ key: "checkout", default: "classic" }],
};

const BODY = '<div id="hero"><h1>Original</h1></div><p id="fans">None</p>';
// Three kinds of page: one that stays, one that renders itself again and again, and one that keeps the browser busy.
const PAGES = {
  static: BODY,
  spa: `${BODY}<script>
    let route = 0;
    const render = () => {
      document.querySelector("#fans").innerHTML = "<i>" + route + "</i>";
      history.pushState(null, "", "/r" + route++);
      if (route < 12) setTimeout(render, 20);
    };
    render();
  </script>`,
  heavy: `${BODY}${'<section><p class="row">x</p></section>'.repeat(3000)}<script>
    for (const end = performance.now() + 60; performance.now() < end;);
  </script>`,
};

// What the site's own code does with us, before and after we are there.
const USE = `<script>
  window.splitlight = window.splitlight || [];
  splitlight.push(["track", "early"], (sl) => sl.track("view"));
</script>`;
const USE_LATER = `<script>
  addEventListener("DOMContentLoaded", () => {
    splitlight.push(["track", "late", 3], ["identify", "u"]);
    if (splitlight.version) {
      splitlight.setAttributes({ plan: "gold" });
      splitlight.variation("hero", "control");
      splitlight.feature("checkout", "classic");
      splitlight.consent("granted");
    }
  });
</script>`;

const blockStorage = () => {
  for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError"); } });
  }
};

// Each says what it breaks: the browser (`init`), the answers (`site`), the page (`head`), or the tag.
const FAULTS = {
  "script 404": { site: (it) => (it.serve = (response) => response.writeHead(404).end("no")) },
  "script 500": { site: (it) => (it.serve = (response) => response.writeHead(500).end("<h1>oh</h1>")) },
  "script never answers, async": { tag: TAG.replace(" src", " async src"), site: (it) => (it.serve = () => {}) },
  "program garbled": {
    site: (it) => {
      const garbled = it.script.replace("SPL", "SPX");
      it.serve = (response) =>
        response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(garbled);
    },
  },
  "wasm refused by CSP": {
    site: (it) => (it.headers = { "content-security-policy": "script-src 'self' 'unsafe-inline'" }),
  },
  "no WebAssembly": { init: () => delete window.WebAssembly },
  "wasm traps": {
    init: () => {
      const real = WebAssembly.Instance;
      WebAssembly.Instance = function Instance(...given) {
        const { exports } = new real(...given);
        return { exports: { ...exports, decide: () => { throw new WebAssembly.RuntimeError("unreachable"); } } };
      };
    },
  },
  "storage blocked": { init: blockStorage },
  "storage full": {
    init: () => {
      const full = () => { throw new DOMException("full", "QuotaExceededError"); };
      Storage.prototype.setItem = full;
      IDBObjectStore.prototype.put = full;
    },
  },
  "cookies blocked": {
    init: () =>
      Object.defineProperty(document, "cookie", { get() { throw new Error("no"); }, set() { throw new Error("no"); } }),
  },
  "collector 500": { site: (it) => (it.collector = 500) },
  "offline for the collector": { site: (it) => (it.collector = 0) },
  "ad blocker": {
    init: () => {
      window.fetch = () => Promise.reject(new TypeError("blocked"));
      navigator.sendBeacon = () => { throw new TypeError("blocked"); };
    },
  },
  "clock wrong by years": { init: () => (Date.now = () => -7e12) },
  "script twice": { tag: TAG + TAG },
  "hostile attributes": {
    head: `<script>
      const loop = { get boom() { throw new Error("boom"); } };
      loop.loop = loop;
      splitlight_config = { attributes: JSON.parse('{"__proto__":{"x":1}}'), user: { toString() { throw 1; } } };
      splitlight_config.attributes.loop = new Proxy(loop, { ownKeys() { throw new Error("keys"); } });
      splitlight.push(["setAttributes", loop], ["track", "x", loop], ["track", Symbol()], ["nothing"], [], null, 7);
    </script>`,
  },
  "throwing callbacks": {
    head: `<script>
      splitlight.push(["onChange", () => { throw new Error("theirs"); }], () => { throw new Error("theirs"); });
      splitlight.push(["onChange", 7], ["identify", "x"]);
    </script>`,
  },
  "no observer, no crypto": {
    init: () => {
      delete window.MutationObserver;
      Object.defineProperty(window, "crypto", { value: undefined });
    },
  },
};

let site;
let browser;
let script;

before(async () => {
  script = scriptFor(config);
  site = await openSite(script);
  browser = await chromium.launch({ executablePath, args });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** What went wrong on one page with one fault, and when the original could be seen. */
async function meet(fault, body, source) {
  Object.assign(site, { script: source, serve: undefined, headers: {}, collector: 200, batches: [] });
  fault.site?.(site);
  site.page = () => `<!doctype html><html><head><title>t</title>${USE}${fault.head ?? ""}${fault.tag ?? TAG}
    ${USE_LATER}</head><body>${body}</body></html>`;
  const context = await browser.newContext();
  const { page, warnings, all } = await watch(context, fault.init);
  await page.goto(`${site.origin}/`, { waitUntil: "domcontentloaded" });
  const shown = await page.evaluate(() => {
    const [{ domContentLoadedEventEnd, responseEnd }] = performance.getEntriesByType("navigation");
    const headline = document.querySelector("h1");
    return { ms: domContentLoadedEventEnd - responseEnd, text: headline?.textContent,
      visible: getComputedStyle(headline).visibility === "visible" && headline.offsetHeight > 0 };
  });
  // What comes later, such as a send that fails, is an error too.
  await page.waitForTimeout(250);
  const errors = await all();
  const text = await page.evaluate(() => document.querySelector("h1").textContent);
  await context.close();
  return { errors, warnings, shown, text };
}

for (const [kind, body] of Object.entries(PAGES)) {
  test(`${Object.keys(FAULTS).length} faults on a ${kind} page: no error, and the page in time`, async () => {
    const alone = (await meet({ tag: "" }, body, script)).shown.ms;
    for (const [name, fault] of Object.entries(FAULTS)) {
      const { errors, warnings, shown, text } = await meet(fault, body, script);
      assert.deepEqual(errors, [], `${name} on ${kind}`);
      assert.ok(warnings.filter((it) => it.startsWith("Splitlight")).length <= 1, `${name}: ${warnings.join()}`);
      assert.ok(shown.visible && /^(Original|Bold)$/.test(text), `${name} on ${kind}: ${JSON.stringify(shown)} ${text}`);
      const late = shown.ms - alone;
      assert.ok(late < CONTROL_MS, `${name} on ${kind}: the page was there ${late} ms later`);
    }
  });
}

test("without the guards the same faults are errors, so that the matrix sees them", async () => {
  // Whatever is caught is thrown again.
  const bare = script.replaceAll(/catch\((\w+)\)\{/g, "catch($1){throw $1;").replaceAll("catch{", "catch(e_){throw e_;");
  assert.notEqual(bare, script);
  const seen = [];
  for (const [name, fault] of Object.entries(FAULTS)) {
    const { errors } = await meet(fault, PAGES.static, bare);
    if (errors.length) seen.push(name);
  }
  assert.ok(seen.length >= 8, `only ${seen.join(", ")}`);
});
