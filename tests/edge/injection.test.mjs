// What visitors can write, in addresses, headers, cookies and the place they come from, is text in pages and never markup.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { markup } from "../attacks.mjs";
import { publish, script, serve, splitlightWorker } from "../workerd.mjs";

const PAGE = `<!doctype html><html><head><title>t</title></head><body><h1>a</h1><h2>b</h2><p>c</p><a href="/">d</a><b>e</b></body></html>`;
const ORIGIN = `export default { fetch: () => new Response(${JSON.stringify(PAGE)}, { headers: { "content-type": "text/html" } }) };`;
// Everything a request says of its visitor, in every kind of change that can say it.
const SAID = ["utm.source", "utm.campaign", "geo.city", "geo.region", "referrer", "language", "url", "path", "query"];
const ALL = SAID.map((name) => `{{ ${name} | none }}`).join(" · ");
const CONFIG = {
  version: 1, project: "default",
  experiments: [{
    key: "all", variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [
      { selector: "h1", text: ALL },
      { selector: "h2", html: `<i title="${ALL}">${ALL}</i>` },
      { selector: "p", attribute: { name: "title", value: `from ${ALL}` } },
      { selector: "a", attribute: { name: "href", value: "{{ utm.source | / }}" } },
      { selector: "b", insert: { position: "after", html: `<u>${ALL}</u>` } },
    ] }],
  }],
};
const CORPUS = [
  "<script>alert(1)</script>", "</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "\" autofocus onfocus=\"alert(1)",
  "<!--", "-->", "<!--<script>", "]]>", "<![CDATA[", "</title><svg onload=alert(1)>", "</h1><iframe src=javascript:alert(1)>", "<svg/onload=alert(1)>",
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "\u0001javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x",
  "{{ geo.city }}", "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "&lt;script&gt;", "&#60;script&#62;", "&quot;><b>", "\\u003cscript\\u003e", "\\\"><b>",
  "\u2028alert(1)\u2029", "\u0000<b>", "<\u0000script>", "%3Cscript%3E", "%22%3E%3Cb%3E", "＜script＞", "<b", "a>b", "`-alert(1)-`", "</style><script>alert(1)</script>", "<base href=//evil.test>", "<meta http-equiv=refresh content=0>",
];
let server, edge, baseline;

before(async () => {
  server = await serve({
    files: { "origin.js": ORIGIN }, splitlight: true,
    services: `${script("origin", "origin.js")}, (name = "edge", worker = .edge)`, sockets: { edge: "edge" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`),
  });
  ({ edge } = server.base);
  await publish(`${edge}/_sl`, CONFIG);
  baseline = shape(await load("plain"));
});
after(() => server?.stop());

async function load(said) {
  const query = new URLSearchParams({ utm_source: said, utm_campaign: said, q: said });
  // Headers carry bytes: what is no Latin-1 goes as its UTF-8.
  const header = Buffer.from(said.replace(/[\u0000-\u001f]/g, " ")).toString("latin1");
  const place = JSON.stringify({ city: said, region: said, country: said, timezone: said, latitude: said });
  const response = await fetch(`${edge}/${encodeURIComponent(said)}?${query}`, {
    headers: {
      accept: "text/html", "user-agent": `Mozilla/5.0 Chrome/156 ${header}`, referer: `https://elsewhere.test/${header}`, "accept-language": header,
      cookie: `sl_id=${header.replaceAll(";", "")}; sl_sticky=${header.replaceAll(";", "")}`, "x-cf-blob": Buffer.from(place).toString("latin1"),
    },
  });
  assert.equal(response.status, 200, said);
  for (const cookie of response.headers.getSetCookie()) assert.match(cookie, /^sl_id=[\w.-]+; Path=\/; Max-Age=34164000; SameSite=Lax$/);
  return response.text();
}

/** The page's tags with the names of their attributes, in order: what markup means, without what it says. */
function shape(html) {
  const handover = /<script type="application\/json" id="splitlight-handover">([^<]*)<\/script>/.exec(html);
  assert.ok(handover, "the hand-over is not whole");
  JSON.parse(handover[1]);
  assert.doesNotMatch(handover[1], /[<>&\u2028\u2029]/);
  const tags = html.replace(handover[1], "").match(/<(?:[^>"]|"[^"]*")*>?/g);
  return tags.map((tag) => tag.replaceAll(/"[^"]*"/g, "\"\"")).join("");
}

async function staysText(said) {
  const html = await load(said);
  // An address that runs code is not written at all, and then the origin's stays.
  assert.equal(shape(html), baseline, said);
  const href = /<a href="([^"]*)">/.exec(html)[1].replaceAll(/[\u0000-\u0020]/g, "");
  assert.doesNotMatch(href, /^(javascript|vbscript|data:text):?/i);
}

for (const said of CORPUS) test(`stays text: ${JSON.stringify(said)}`, () => staysText(said));

// Longer ones do not fit into the headers of one request.
const collected = markup.filter((said) => said.length <= 500);
test(`stay text: ${collected.length} collected ones`, { skip: !collected.length && "no collections are at hand (SPLITLIGHT_ATTACKS)" }, async () => {
  const left = collected.values();
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const said of left) await staysText(said);
  }));
});

test("the shape of a page tells markup that was let in", () => {
  const html = `<script type="application/json" id="splitlight-handover">{}</script><h1>`;
  assert.notEqual(shape(`${html}<img src=x>`), shape(html));
  assert.notEqual(shape(`${html.replace("<h1>", "<h1 title=\"\" onclick=\"\">")}`), shape(html.replace("<h1>", "<h1 title=\"\">")));
});
