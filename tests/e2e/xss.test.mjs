// Nothing that a config or a visitor can say is run: every payload in every kind of change, with and without `setHTML`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import * as attacks from "../attacks.mjs";
import { args, executablePath, listen } from "./tag.mjs";

const root = new URL("../..", import.meta.url).pathname;
const OURS = [
  "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
  "<details open ontoggle=alert(1)>x</details>", "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
  "<iframe onload=alert(1)></iframe>", "<video><source onerror=alert(1)></video>", "<audio src=x onerror=alert(1)>",
  "<input autofocus onfocus=alert(1)>", "<object data='javascript:alert(1)'></object>", "<style onload=alert(1)></style>",
  "<embed src=x onload=alert(1)>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
  "<template><img src=x onerror=alert(1)></template><img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>x</a>",
  "<form action='javascript:alert(1)'><button>x</button></form>", "<body onload=alert(1)>", "<marquee onstart=alert(1)>x</marquee>",
  "<img src=x oNeRrOr=alert(1)>", "<svg><script>alert(1)</script></svg>", "<script>alert(1)</script>",
  "<base href='javascript:alert(1)//'>", "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
  "<meta http-equiv=refresh content='0;url=/elsewhere'>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
  "data:text/html,<script>parent.alert(1)</script>", "</style><img src=x onerror=alert(1)>",
];
const PER_PAGE = 100;
// More of them, where collections are at hand.
const confirmed = [...OURS, ...attacks.confirmed];
const payloads = [...new Set([...OURS, ...attacks.markup])];

// With these attributes on any element, Chromium's own `setHTML` ends the tab. Publishing refuses all that begin with "on".
const ENDS_CHROMIUM = new RegExp(`\\bon(${[
  "appinstalled", "loadend", "before(install|match|xr)\\w*", "encrypted", "finish", "freeze", "fullscreen(change|error)", "gamepad\\w*", "page(reveal|swap)",
  "\\w+pictureinpicture", "pointerlock\\w*", "prerenderingchange", "readystatechange", "rejectionhandled", "resume", "start",
  "transition(cancel|run|start)", "unhandledrejection", "visibilitychange", "waitingforkey",
].join("|")})\\b`, "i");

let served;
let browser;
let origin;

before(async () => {
  served = await listen(({ url }, response) => {
    if (url === "/edits.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(readFileSync(join(root, "www/loader/edits.js")));
    } else if (url === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html><title>t</title><body>");
    } else response.writeHead(404).end();
  });
  ({ origin } = served);
  browser = await chromium.launch({ executablePath, args });
});

after(async () => {
  await browser?.close();
  served?.close();
});

/** A page that notes what runs, without the dialogs. */
async function open(init) {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    window.runs = [];
    for (const name of ["alert", "prompt", "confirm"]) {
      window[name] = (what) => (window.top.runs ?? window.runs).push(String(what));
    }
  });
  if (init) await context.addInitScript(init);
  const page = await context.newPage();
  await page.goto(origin);
  return { page, context };
}

/** Makes each payload a change of each kind, and tells what ran, or would when somebody follows a link. */
const attack = (page, list) =>
  page.evaluate(async (all) => {
    const { createEdits } = await import("/edits.js");
    const attributes = [["a", "href"], ["img", "src"], ["iframe", "src"], ["iframe", "srcdoc"], ["form", "action"],
      ["button", "formaction"], ["object", "data"], ["svg", "xlink:href"], ["p", "style"], ["p", "onclick"], ["p", "title"]];
    const edits = createEdits(() => {});
    const changes = [];
    for (const payload of all) {
      const add = (tag, edit, text, more) => {
        const element = document.body.appendChild(document.createElement(tag));
        element.id = `t${changes.length}`;
        changes.push([`#${element.id}`, edit, text, more, changes.length]);
      };
      for (const edit of [0, 1, 4, 5, 6, 7]) add("div", edit, payload, null);
      for (const [tag, name] of attributes) add(tag, 2, payload, name);
      add("p", 3, [payload], []);
      add("p", 9, payload, null);
      add("p", 10, payload, "before");
    }
    edits.plan([["item", "variation", changes]]);
    edits.make();
    await new Promise((resolve) => setTimeout(resolve, 600));
    // An address that would run when it is followed; that of an image is loaded, and no browser runs it.
    for (const element of document.querySelectorAll("body *")) {
      for (const member of ["href", "src", "action", "formAction", "data"]) {
        if (member === "src" && /^(img|input)$/.test(element.localName)) continue;
        const address = element[member]?.baseVal ?? element[member];
        if (/^javascript:/i.test(address)) window.runs.push(address);
      }
    }
    return window.runs;
  }, list);

for (const [name, all, init] of [
  ["with setHTML", payloads.filter((payload) => OURS.includes(payload) || !ENDS_CHROMIUM.test(payload)), undefined],
  ["without setHTML", payloads, () => {
    delete Element.prototype.setHTML;
    delete ShadowRoot.prototype.setHTML;
  }],
]) {
  test(`${all.length} payloads in every kind of change, ${name}: none runs`, async () => {
    const { page, context } = await open(init);
    // A page that was led elsewhere would hide what ran, and must not be led anywhere.
    const urls = [];
    page.on("framenavigated", (frame) => frame === page.mainFrame() && urls.push(frame.url()));
    const ran = [];
    for (let at = 0; at < all.length; at += PER_PAGE) {
      ran.push(...await attack(page, all.slice(at, at + PER_PAGE)));
      await page.reload();
    }
    assert.deepEqual(ran, []);
    assert.deepEqual(urls.filter((url) => url !== `${origin}/`), []);
    await context.close();
  });
}

test("plain innerHTML runs them, so that the test sees it", async () => {
  const { page, context } = await open();
  const ran = await page.evaluate(async (all) => {
    // All at once, each under its own number.
    all.forEach((payload, at) => {
      const element = document.body.appendChild(document.createElement("div"));
      element.innerHTML = payload.replace(/(alert|prompt|confirm)\([^)]*\)/g, `alert(${at})`);
    });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return new Set(window.runs).size;
  }, confirmed.filter((payload) => !/http-equiv|location|<base/i.test(payload)));
  assert.ok(ran >= confirmed.length / 3, `${ran} of ${confirmed.length}`);
  console.log(`innerHTML ran ${ran} of ${confirmed.length}`);
  await context.close();
});
