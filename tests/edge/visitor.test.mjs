// What the edge knows of a visitor beside the page: former keys, segments, refusals, and what it counts by itself.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_KEY, publish, script, serve, splitlightWorker } from "../workerd.mjs";

const PAGE = "<!doctype html><html><head></head><body><h1>Original</h1></body></html>";
const ORIGIN = `export default { fetch: () => new Response(${JSON.stringify(PAGE)}, { headers: { "content-type": "text/html" } }) };`;
const CONFIG = {
  version: 1, project: "default",
  audiences: [
    { key: "fans", when: { $history: { event: "view", within: "30d", count: { $gte: 3 } } } },
    { key: "quick", when: { $history: { event: "view", within: "10m", count: { $gte: 3 } } } },
  ],
  experiments: [
    { key: "moved", pages: [{ include: "/go" }], variations: [{ key: "stay" }, { key: "go", redirect: { to: "http://new.test/there?b=2", keepQuery: true } }] },
    { key: "near", pages: [{ include: "/near" }], variations: [{ key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: "/" } }] },
    { key: "strange", pages: [{ include: "/strange" }], variations: [{ key: "stay", weight: 0 }, { key: "go", weight: 1, redirect: { to: "http://evil.test/" } }] },
  ],
  personalizations: [
    { key: "fans", slot: "a", when: { $audience: "fans" }, changes: [{ selector: "h1", text: "Welcome back" }] },
    { key: "quick", slot: "b", when: { $audience: "quick" }, changes: [{ selector: "h1", text: "Quick" }] },
  ],
};
const [KEY, FORMER] = ["0f".repeat(32), "aa".repeat(32)];
const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156", "sec-fetch-mode": "navigate" };
let server, edge;

before(async () => {
  server = await serve({
    files: { "origin.js": ORIGIN }, splitlight: true,
    services: `${script("origin", "origin.js")}, (name = "edge", worker = .edge)`, sockets: { edge: "edge" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "origin"),
      (name = "COOKIE_KEYS_OLD", text = "${FORMER}, not hexadecimal"), (name = "REDIRECT_HOSTS", text = "other.test, new.test")`),
  });
  ({ edge } = server.base);
  await publish(`${edge}/_sl`, CONFIG);
});
after(() => server?.stop());

const sign = (text, key = KEY) => createHmac("sha256", Buffer.from(key, "hex")).update(text).digest().subarray(0, 16).toString("base64url");
const signed = (id, key) => `sl_id=${id}.${sign(id, key)}`;
const setBy = (response, name) => response.headers.getSetCookie().find((cookie) => cookie.startsWith(`${name}=`));

async function load(path, { cookie = "", ...more } = {}) {
  // Not `fetch`, which says itself what mode it has.
  const { request } = await import("node:http");
  return new Promise((done, fail) => {
    request(edge + path, { headers: { ...headers, cookie, ...more } }, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      const found = new Headers();
      for (let at = 0; at < response.rawHeaders.length; at += 2) found.append(response.rawHeaders[at], response.rawHeaders[at + 1]);
      const handover = JSON.parse(/splitlight-handover">(.*?)<\/script>/s.exec(text)?.[1] ?? "null");
      const reasons = Object.fromEntries((handover?.decisions ?? []).map(({ key, reason }) => [key, reason]));
      done({ status: response.statusCode, headers: found, text, config: handover?.config, reasons });
    }).on("error", fail).end();
  });
}

const tell = (body, cookie) => fetch(`${edge}/_sl/s`, { method: "POST", body, headers: { cookie } });

test("an id signed with a former key stays, and is signed with the present one", async () => {
  const id = randomUUID();
  const found = setBy(await load("/", { cookie: signed(id, FORMER) }), "sl_id");
  assert.equal(found.split(";")[0], signed(id));
  assert.equal(setBy(await load("/", { cookie: signed(id) }), "sl_id"), undefined);
  assert.notEqual(setBy(await load("/", { cookie: signed(id, "bb".repeat(32)) }), "sl_id").slice(6, 42), id);
});

test("who sends GPC and gave no answer is in no experiment and gets no cookie", async () => {
  const refused = await load("/near", { "sec-gpc": "1" });
  assert.deepEqual([refused.status, refused.reasons.near, refused.headers.getSetCookie()], [200, "no_consent", []]);
  assert.ok(setBy(await load("/", { "sec-gpc": "1", cookie: "sl_consent=granted" }), "sl_id"));
});

test("rules about behavior render here for whom the device told, and nothing else is told", async () => {
  const cookie = signed(randomUUID());
  const before = await load("/", { cookie });
  assert.deepEqual(before.reasons, { moved: "page", near: "page", strange: "page", fans: "deferred", quick: "deferred" });
  const hash = before.config.slice(0, 8);
  const answer = await tell(`${hash}~0`, cookie);
  assert.equal(answer.status, 204);
  const told = setBy(answer, "sl_seg");
  assert.match(told, new RegExp(`^sl_seg=${hash}~0~\\d+~[\\w-]{22}; Path=/; Max-Age=86400; SameSite=Lax$`));
  const after = await load("/", { cookie: `${cookie}; ${told.split(";")[0]}` });
  assert.match(after.text, /<h1>Welcome back<\/h1>/);
  // What lapses within minutes stays the browser's, whatever a cookie says.
  assert.deepEqual([after.reasons.fans, after.reasons.quick], ["assigned", "deferred"]);
  const out = setBy(await tell(`${hash}~`, cookie), "sl_seg").split(";")[0];
  const outside = await load("/", { cookie: `${cookie}; ${out}` });
  assert.deepEqual([outside.reasons.fans, /Original/.test(outside.text)], ["audience", true]);
});

test("segments are of one visitor, one program and one day, and only with consent", async () => {
  const [one, other] = [signed(randomUUID()), signed(randomUUID())];
  const { config } = await load("/", { cookie: one });
  const hash = config.slice(0, 8);
  const told = setBy(await tell(`${hash}~0`, one), "sl_seg").split(";")[0];
  const late = `${hash}~0~${Math.floor(Date.now() / 1000) - 1}`;
  const expired = `sl_seg=${late}~${sign(`segments:${one.slice(6, 42)}:${late}`)}`;
  const strange = setBy(await tell("00000000~0", one), "sl_seg").split(";")[0];
  for (const cookie of [`${other}; ${told}`, `${one}; ${told.replace("~0~", "~0.1~")}`, `${one}; ${expired}`, `${one}; ${strange}`]) {
    assert.equal((await load("/", { cookie })).reasons.fans, "deferred", cookie);
  }
  for (const cookie of ["", `${one}; sl_consent=denied`, "sl_id=x"]) {
    const answer = await tell(`${hash}~0`, cookie);
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [204, []], cookie);
  }
  for (const body of ["", "x", `${hash}~a`, `${hash}~0;x=y`]) assert.equal((await tell(body, one)).status, 400, body);
  assert.equal((await tell(`${hash}~${"1.".repeat(400)}1`, one)).status, 413);
});

/** How many visitors met an experiment, in any variation. */
async function met(experiment) {
  const response = await fetch(`${edge}/_sl/v1/experiments/${experiment}/results`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return (await response.json()).totalUsers;
}

test("who is sent to an allowed host is counted once, though no page of ours was seen", async () => {
  let sent = 0;
  for (let at = 0; at < 30; at += 1) {
    const cookie = signed(randomUUID());
    for (let times = 0; times < 3; times += 1) {
      const { status, headers: found } = await load("/go?a=1&b=9", { cookie });
      if (status !== 302) break;
      assert.equal(found.get("location"), "http://new.test/there?b=2&a=1");
      assert.deepEqual(found.getSetCookie(), []);
      sent += times === 0 ? 1 : 0;
    }
    // Machines, pages fetched ahead, and what does not say that it navigates.
    for (const more of [{ "user-agent": "Googlebot/2.1" }, { "sec-purpose": "prefetch" }, { "sec-fetch-mode": "" }]) {
      assert.equal((await load("/go", { cookie, ...more })).status, 200);
    }
  }
  assert.ok(sent > 5 && sent < 25, String(sent));
  let found;
  for (let tries = 0; tries < 50 && found !== sent; tries += 1) {
    await sleep(100);
    found = await met("moved");
  }
  assert.equal(found, sent);
});

test("nobody is sent to a host that is not allowed, and on the own one the next page says what was met", async () => {
  assert.equal((await load("/strange", { cookie: signed(randomUUID()) })).status, 200);
  const near = await load("/near", { cookie: signed(randomUUID()) });
  assert.deepEqual([near.status, setBy(near, "sl_met").split(";")[0]], [302, "sl_met=near~go"]);
});
