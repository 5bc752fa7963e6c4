// The pages, edits and Workers that tests/bench/edge.mjs compares.

const row = (i, mark) => `<li class="row${mark}"><a href="/p/${i}"><img src="/i/${i}.svg" alt=""><h3>Product ${i}</h3><p>A thing of use and beauty.</p></a></li>\n`;
const EDITS = 10;
const TEXT = "Find your favorites";

/** A page of about so many bytes, in which the edits match so often; `unique` for ids in its upper half. */
export function page(bytes, matches) {
  const rows = Math.ceil(bytes / row(1000, "").length);
  const every = matches === "unique" ? Infinity : rows / matches;
  const list = Array.from({ length: rows }, (_, i) => {
    // The matches go to the end, the last row included.
    const match = Math.ceil((i + 1) / every) > Math.ceil(i / every) ? Math.ceil((i + 1) / every) - 1 : -1;
    return row(i, match < 0 ? "" : ` e${match % EDITS}`);
  });
  if (matches === "unique") {
    const step = Math.floor(rows / 2 / EDITS);
    for (let edit = 0; edit < EDITS; edit += 1) list[edit * step] = `<li id="u${edit}" class="row">One of its kind</li>\n`;
  }
  return `<!doctype html><html><head><title>Shop</title></head><body><h1>Good things</h1><ul>${list.join("")}</ul></body></html>`;
}

/** Ten edits: texts, classes and attributes. */
export function edits(matches) {
  return Array.from({ length: EDITS }, (_, i) => ({ selector: matches === "unique" ? `#u${i}` : `.e${i}`, kind: ["text", "class", "attribute"][i % 3] }));
}

export const ours = (list) => list.map(({ selector, kind }) => ({
  text: { selector, text: TEXT },
  class: { selector, class: { add: ["new"] } },
  attribute: { selector, attribute: { name: "data-tone", value: "warm" } },
})[kind]);

const theirs = (list) => list.map(({ selector, kind }) => ({
  text: { selector, action: "set", attribute: "html", value: TEXT },
  class: { selector, action: "append", attribute: "class", value: "new" },
  attribute: { selector, action: "set", attribute: "data-tone", value: "warm" },
})[kind]);

/** What GrowthBook's Worker gets instead of asking its API. */
export const payload = (paths) => ({
  features: {},
  experiments: Object.entries(paths).map(([path, list]) => ({
    key: path, status: "running", hashAttribute: "id", hashVersion: 2, weights: [0, 1], coverage: 1, changeId: path,
    urlPatterns: [{ type: "simple", include: true, pattern: path }],
    variations: [{}, { domMutations: theirs(list) }],
  })),
});

/** A Worker that makes the same edits with the runtime's own rewriter. */
export const rewriter = (paths) => `
const paths = ${JSON.stringify(paths)};
const act = {
  text: (e) => e.setInnerContent("${TEXT}"),
  class: (e) => e.setAttribute("class", e.getAttribute("class") + " new"),
  attribute: (e) => e.setAttribute("data-tone", "warm"),
};
export default { async fetch(request, env) {
  const edits = paths[new URL(request.url).pathname];
  const response = await env.ORIGIN.fetch(request);
  if (!edits) return response;
  const rewriter = new HTMLRewriter();
  for (const { selector, kind } of edits) rewriter.on(selector, { element: act[kind] });
  return rewriter.transform(response);
} };`;

/** GrowthBook's Worker, to be bundled. */
export const growthbook = (paths) => `
import { handleRequest } from "@growthbook/edge-cloudflare";
const payload = ${JSON.stringify(payload(paths))};
export default { fetch: (request, env) => handleRequest(request, env, { payload, proxyTarget: "http://origin" }) };`;

/** An origin of pages, and of one that is slow behind its head. */
export const origin = (pages) => `
const encoder = new TextEncoder();
const bodies = Object.fromEntries(Object.entries(${JSON.stringify(pages)}).map(([path, text]) => [path, encoder.encode(text)]));
const slow = () => new ReadableStream({ async start(out) {
  out.enqueue(encoder.encode("<!doctype html><html><head><title>t</title></head><body><h1 id=u0>Slow</h1>"));
  await new Promise((done) => setTimeout(done, 500));
  out.enqueue(encoder.encode("<p>late</p></body></html>"));
  out.close();
} });
export default { fetch(request) {
  const { pathname } = new URL(request.url);
  return new Response(pathname === "/slow" ? slow() : bodies[pathname], { headers: { "content-type": "text/html; charset=utf-8" } });
} };`;
