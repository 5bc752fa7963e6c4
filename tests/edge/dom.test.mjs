// What browsers make of a page that the edge changed is what they make of one that the runtime's own HTMLRewriter changed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parse, serialize } from "parse5";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";
import { page } from "../bench/_edge-pages.mjs";

const HTML = `<b class="new">A & <i>new</i> thing</b>`;
// Every kind of change that can stream; the text has what has to be escaped.
const KINDS = [
  { ours: { text: "5 < 6 & <more>" }, theirs: `e.setInnerContent("5 < 6 & <more>")` },
  { ours: { html: HTML }, theirs: "e.setInnerContent(HTML, { html: true })" },
  { ours: { attribute: { name: "title", value: `"a" & 'b' < c` } }, theirs: `e.setAttribute("title", '"a" & \\'b\\' < c'.replaceAll("&", "&amp;"))` },
  { ours: { attribute: { name: "class" } }, theirs: `e.removeAttribute("class")` },
  { ours: { class: { add: ["new"] } }, theirs: `e.setAttribute("class", e.getAttribute("class") + " new")` },
  ...["before", "prepend", "append", "after"].map((position) => ({
    ours: { insert: { position, html: HTML } }, theirs: `e.${position}(HTML, { html: true })`,
  })),
  { ours: { remove: true }, theirs: "e.remove()" },
];
const CASES = [20, 100].flatMap((kb) => ["unique", 80].map((matches) => ({ kb, matches, path: `/${kb}/${matches}` })));
const selector = (matches, at) => (matches === "unique" ? `#u${at}` : `.e${at}`);
const pages = Object.fromEntries(CASES.map(({ kb, matches, path }) => [path, page(kb * 1000, matches)]));
const ORIGIN = `const pages = ${JSON.stringify(pages)};
export default { fetch: (request) => new Response(pages[new URL(request.url).pathname], { headers: { "content-type": "text/html" } }) };`;
const REWRITER = `const HTML = ${JSON.stringify(HTML)};
const acts = [${KINDS.map(({ theirs }) => `(e) => ${theirs}`).join(", ")}];
export default { async fetch(request, env) {
  const unique = request.url.endsWith("unique");
  const rewriter = new HTMLRewriter();
  acts.forEach((element, at) => rewriter.on((unique ? "#u" : ".e") + at, { element }));
  return rewriter.transform(await env.ORIGIN.fetch(request));
} };`;
const CONFIG = {
  version: 1, project: "default",
  experiments: CASES.map(({ matches, path }) => ({
    key: path.replaceAll("/", "k"), pages: [{ include: path }],
    variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: KINDS.map(({ ours }, at) => ({ selector: selector(matches, at), ...ours })) }],
  })),
};
const HANDOVER = /<script type="application\/json" id="splitlight-handover">.*?<\/script>/;
let server;

before(async () => {
  server = await serve({
    files: { "origin.js": ORIGIN, "rewriter.js": REWRITER }, splitlight: true,
    services: `${script("origin", "origin.js")}, ${script("rewriter", "rewriter.js", `(name = "ORIGIN", service = "origin")`)}, (name = "edge", worker = .edge)`,
    sockets: { edge: "edge", rewriter: "rewriter" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`),
  });
  await publish(`${server.base.edge}/_sl`, CONFIG);
});
after(() => server?.stop());

async function load(site, path) {
  const response = await fetch(site + path, { headers: { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156" } });
  return response.text();
}

/** The document that a browser makes of a page, written down in the one way there is. */
const document = (html) => serialize(parse(html));

for (const { kb, matches, path } of CASES) {
  test(`the same document as HTMLRewriter's: ${kb} KB, ${matches} matches`, async () => {
    const [ours, theirs] = [await load(server.base.edge, path), await load(server.base.rewriter, path)];
    assert.match(ours, HANDOVER);
    const found = document(ours.replace(HANDOVER, ""));
    assert.ok(found === document(theirs), firstDifference(found, document(theirs)));
    const made = ["5 &lt; 6 &amp; &lt;more&gt;", `title="&quot;a&quot; &amp; 'b'`, "<i>new</i> thing"];
    for (const text of made) assert.ok(found.includes(text), text);
    assert.notEqual(found, document(pages[path]));
    // A single edit that is missing tells.
    assert.notEqual(document(ours.replace(HANDOVER, "").replace(HTML, "")), document(theirs));
  });
}

function firstDifference(one, other) {
  const at = [...one].findIndex((c, index) => c !== other[index]);
  return `${one.slice(at - 80, at + 80)}\n instead of\n${other.slice(at - 80, at + 80)}`;
}
