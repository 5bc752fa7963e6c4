// Every kind of answer that an origin may give, through the edge: changed and whole, the same byte for byte, or an error.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { publish, serve, splitlightWorker } from "../workerd.mjs";
import { CHANGED, CUT, DEAD, PAGE, SAME, rawOrigin } from "./_raw-origin.mjs";

const CONFIG = {
  version: 1, project: "default",
  experiments: [{
    key: "all", pages: [{ include: "/*" }],
    variations: [{ key: "control", weight: 0 }, { key: "on", weight: 1, changes: [{ selector: "h1", class: { add: ["changed"] } }] }],
  }],
};
const HANDOVER = /<script type="application\/json" id="splitlight-handover">.*?<\/script>/;
const ADDED = / class="changed"/g;
let origin, server, edge, plain;

before(async () => {
  origin = await rawOrigin();
  server = await serve({
    files: {}, splitlight: true,
    services: `(name = "origin", external = (address = "127.0.0.1:${origin.port}", http = ())), (name = "edge", worker = .edge)`,
    sockets: { edge: "edge" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin")`),
  });
  ({ edge } = server.base);
  plain = `http://127.0.0.1:${origin.port}`;
  await publish(`${edge}/_sl`, CONFIG);
});
after(async () => {
  origin?.stop();
  await server?.stop();
});

/** An answer as it comes over the wire, without anything undone. */
function ask(site, name, { method = "GET", headers = {}, body } = {}) {
  const all = { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", ...headers };
  return new Promise((done) => {
    const asked = request(`${site}/${encodeURIComponent(name)}`, { method, headers: all, agent: false, timeout: 10_000 }, (response) => {
      const parts = [];
      const end = (cut) => done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts), cut });
      response.on("data", (part) => parts.push(part)).on("end", () => end(!response.complete)).on("error", () => end(true));
    });
    asked.on("error", (error) => done({ error: error.code }));
    asked.on("timeout", () => asked.destroy(new Error("it hangs")));
    asked.end(body);
  });
}

for (const [name, { page = PAGE }] of Object.entries(CHANGED)) {
  test(`changed and whole: ${name}`, async () => {
    const { status, headers, body, cut } = await ask(edge, name);
    assert.deepEqual([status, cut, headers["cache-control"]], [200, false, "private, no-store"]);
    assert.match(headers["server-timing"], /^splitlight;dur=\d+;desc="1 of 1 in force"$/);
    const html = String(body);
    assert.match(html, HANDOVER);
    assert.ok(html.match(ADDED)?.length >= 1 || page === "", "no change was made");
    // What is left without what was added is the origin's page, to the byte.
    assert.ok(html.replace(HANDOVER, "").replace(ADDED, "") === page, `${html.length} bytes of ${page.length}`);
    if (name === "cookies") assert.deepEqual(headers["set-cookie"].slice(0, 3), ["a=1; Path=/", "b=2", "c=3; HttpOnly"]);
  });
}

for (const [name, { ask: how }] of Object.entries(SAME)) {
  test(`the same byte for byte: ${name}`, async () => {
    const [through, direct] = [await ask(edge, name, how), await ask(plain, name, how)];
    assert.deepEqual([through.status, through.cut], [direct.status, false]);
    assert.ok(through.body.equals(direct.body), `${through.body} instead of ${direct.body}`);
    // How a message is framed is each connection's own.
    const own = ({ connection, "transfer-encoding": framing, "content-length": length, date, ...headers }) => headers;
    assert.deepEqual(own(through.headers), own(direct.headers));
  });
}

for (const name of Object.keys(CUT)) {
  test(`an error stays an error: ${name}`, async () => {
    const { error, cut, body } = await ask(edge, name);
    assert.ok(error !== undefined || cut, `half an answer was made whole: ${body}`);
    assert.notEqual(error, "it hangs");
  });
}

for (const name of Object.keys(DEAD)) {
  test(`an origin that does not answer is said so: ${name}`, async () => {
    const { status, headers } = await ask(edge, name);
    assert.deepEqual([status, headers["content-type"]], [502, "application/problem+json"]);
  });
}

test("the matrix has what it should", () => {
  const cases = [CHANGED, SAME, CUT, DEAD].map((list) => Object.keys(list).length);
  assert.ok(cases.reduce((sum, count) => sum + count) >= 45, cases.join());
});
