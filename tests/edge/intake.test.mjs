// What the intake takes and refuses: compressed bodies, single events, machines, quotas and unsigned visitors.
import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ADMIN_KEY, publish, serve, splitlightWorker } from "../workerd.mjs";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";
const CONFIG = {
  version: 1, project: "default",
  metrics: [{ key: "revenue", kind: "mean", event: "purchase", value: "value" }],
  experiments: [{ key: "hero", variations: [{ key: "a" }, { key: "b" }], metrics: { primary: "revenue" } }],
};

let server, base, strict, key, strictKey, serverKey;

before(async () => {
  server = await serve({
    files: {}, splitlight: true, sockets: { main: "main", strict: "strict" },
    services: `(name = "main", worker = .main), (name = "strict", worker = .strict)`,
    constants: splitlightWorker("main", `(name = "SOURCE_EVENTS_PER_SECOND", text = "5")`) +
      splitlightWorker("strict", `(name = "VISITORS", text = "signed"), (name = "COOKIE_KEYS_OLD", text = "${"aa".repeat(32)}")`),
  });
  ({ main: base, strict } = server.base);
  const keys = [];
  for (const api of [base, strict]) {
    await publish(api, CONFIG);
    const made = await fetch(`${api}/v1/keys`, { method: "POST", body: '{"scope":"write"}', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    keys.push((await made.json()).key);
  }
  [key, strictKey] = keys;
  const made = await fetch(`${base}/v1/keys`, { method: "POST", body: '{"scope":"server"}', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  serverKey = (await made.json()).key;
  assert.match(serverKey, /^sl_server_/);
});

after(() => server?.stop());

const visitorId = () => `t-${randomBytes(8).toString("hex")}`;
const purchase = (more = {}) => ({ id: randomUUID(), kind: "conversion", name: "purchase", value: 100, time: Date.now(), ...more });
const batch = (events, more = {}) => ({ key, visitor: visitorId(), sentAt: Date.now(), events, ...more });
const post = (body, headers = {}, api = base) => fetch(`${api}/_sl/e`, {
  method: "POST", body: body instanceof Uint8Array ? body : JSON.stringify(body),
  headers: { "content-type": "text/plain", "user-agent": AGENT, ...headers },
});

describe("a compressed batch", () => {
  it("is counted once, as it would be plain", async () => {
    const sent = batch([purchase(), purchase()]);
    const packed = gzipSync(JSON.stringify(sent));
    const first = await post(packed, { "content-encoding": "gzip" });
    assert.equal((await first.json()).accepted, 2);
    assert.equal((await (await post(sent)).json()).duplicate, 2);
  });

  it("may be four times a plain one, and no larger", async () => {
    const wordy = (events) => batch(Array.from({ length: events }, () => purchase({ properties: { text: "x".repeat(2600) } })));
    for (const [events, status] of [[90, 200], [99, 413]]) {
      const text = JSON.stringify(wordy(events));
      assert.equal(text.length > 262_144, status === 413, `${text.length}`);
      assert.equal((await post(gzipSync(text), { "content-encoding": "gzip" })).status, status);
      assert.equal((await post(Buffer.from(text))).status, 413, "plain");
    }
  });

  it("is refused when it is a bomb, broken or of another kind", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 32));
    assert.ok(bomb.length < 65_536);
    const begun = performance.now();
    assert.equal((await post(bomb, { "content-encoding": "gzip" })).status, 413);
    assert.ok(performance.now() - begun < 1000);
    assert.equal((await post(Buffer.from("hello"), { "content-encoding": "gzip" })).status, 400);
    assert.equal((await post(Buffer.from("hello"), { "content-encoding": "br" })).status, 415);
  });
});

describe("an event", () => {
  it("that is none is named with its reason, and the others count", async () => {
    const good = purchase();
    const wrong = purchase({ page: "/a?b" });
    const deep = purchase({ properties: { a: JSON.parse("[".repeat(17) + "]".repeat(17)) } });
    const long = purchase({ properties: { a: "x".repeat(4096) } });
    const answer = await (await post(batch([wrong, good, 7, deep, long]))).json();
    assert.deepEqual([answer.accepted, answer.duplicate, answer.rejected], [1, 0, 4]);
    assert.deepEqual(answer.outcomes.map(([id, outcome]) => [id, outcome]),
      [[wrong.id, "invalid"], [good.id, "accepted"], [null, "invalid"], [deep.id, "invalid"], [long.id, "invalid"]]);
    assert.match(answer.outcomes[0][2], /^\/events\/0\/page: .*query/);
    assert.match(answer.outcomes[3][2], /nested deeper/);
    assert.match(answer.outcomes[4][2], /4096/);
  });

  it("of a machine is counted apart: steered browsers and pages fetched ahead", async () => {
    for (const [more, headers] of [[{ automated: true }, {}], [{}, { "sec-purpose": "prefetch;prerender" }], [{}, { purpose: "prefetch" }], [{}, { "user-agent": "" }]]) {
      const sent = batch([purchase()], more);
      assert.deepEqual((await (await post(sent, headers)).json()).outcomes, [[sent.events[0].id, "quarantined"]]);
      // It left nothing behind: sent by a person it is new.
      delete sent.automated;
      assert.equal((await (await post(sent)).json()).accepted, 1);
    }
  });
});

describe("quotas", () => {
  const hundred = (more = {}) => batch(Array.from({ length: 100 }, () => purchase()), more);

  it("stop a visitor who sends too much, say when to come back, and nobody else", async () => {
    const visitor = visitorId();
    const statuses = [];
    let last;
    for (let nth = 0; nth < 14; nth += 1) statuses.push((last = await post(hundred({ visitor }))).status);
    assert.deepEqual(statuses.slice(0, 12), Array(12).fill(200));
    assert.ok(statuses.slice(12).includes(429), `${statuses}`);
    const wait = Number(last.headers.get("retry-after"));
    assert.ok(wait > 0 && wait <= 51, `${wait}`);
    assert.equal((await last.json()).title, "Too many events");
    assert.equal((await post(hundred())).status, 200);
  });

  it("stop an address, whoever it says it is", async () => {
    const from = (address) => ({ "cf-connecting-ip": address });
    for (let nth = 0; nth < 3; nth += 1) assert.equal((await post(hundred(), from("2001:db8::1"))).status, 200);
    const refused = await post(hundred(), from("2001:db8::2"));
    assert.equal(refused.status, 429, "the same network");
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    assert.equal((await post(hundred(), from("2001:db8:1::1"))).status, 200);
  });
});

describe("where only signed visitors count", () => {
  const sign = (secret, id) => createHmac("sha256", Buffer.from(secret.repeat(32), "hex")).update(id).digest().subarray(0, 16).toString("base64url");
  const outcome = async (visitor, cookie) => {
    const sent = { ...batch([purchase()]), key: strictKey, visitor };
    const answer = await (await post(sent, cookie ? { cookie } : {}, strict)).json();
    return answer.outcomes[0][1];
  };

  it("an id counts with our signature, by today's key or a former one", async () => {
    const id = randomUUID();
    assert.equal(await outcome(id, `a=b; sl_id=${id}.${sign("0f", id)}`), "accepted");
    assert.equal(await outcome(id, `sl_id=${id}.${sign("aa", id)}`), "accepted");
  });

  it("and no other does", async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    for (const cookie of ["", `sl_id=${id}`, `sl_id=${id}.`, `sl_id=${id}.${sign("bb", id)}`, `sl_id=${other}.${sign("0f", other)}`]) {
      assert.equal(await outcome(id, cookie), "unsigned", cookie);
    }
  });

  it("and nobody else can have them forgotten", async () => {
    const id = randomUUID();
    const forget = (signature) => fetch(`${strict}/_sl/forget`, { method: "POST", body: JSON.stringify({ key: strictKey, visitor: id, signature }) });
    for (const signature of [undefined, "", sign("bb", id), sign("0f", randomUUID())]) assert.equal((await forget(signature)).status, 403);
    assert.equal(await outcome(id, `sl_id=${id}.${sign("0f", id)}`), "accepted");
    assert.equal((await forget(sign("0f", id))).status, 200);
    assert.equal(await outcome(id, `sl_id=${id}.${sign("0f", id)}`), "forgotten");
  });
});

describe("the pixel", () => {
  const pixel = (query, headers = {}, api = base) => fetch(`${api}/_sl/e.gif?${new URLSearchParams(query)}`, { headers: { "user-agent": AGENT, ...headers } });
  const outcome = async (...asked) => {
    const response = await pixel(...asked);
    assert.equal(response.headers.get("content-type"), "image/gif");
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(Buffer.from(await response.arrayBuffer()).subarray(0, 6).toString(), "GIF89a");
    return [response.status, response.headers.get("x-splitlight")];
  };

  it("counts the conversion of whom the cookie or the address names, once by its id", async () => {
    const [id, visitor] = [randomUUID(), randomUUID()];
    assert.deepEqual(await outcome({ key, name: "purchase", value: "100", id }, { cookie: `sl_id=${visitor}` }), [200, "accepted"]);
    assert.deepEqual(await outcome({ key, name: "purchase", value: "100", id, visitor }), [200, "duplicate"]);
    assert.deepEqual(await outcome({ key, name: "signup", visitor: visitorId() }), [200, "accepted"]);
  });

  it("counts nothing of nobody, of machines, and of who did not agree", async () => {
    const cookie = `sl_id=${randomUUID()}`;
    assert.deepEqual(await outcome({ key, name: "purchase" }), [200, "no_visitor"]);
    assert.deepEqual(await outcome({ key, name: "purchase" }, { cookie: `${cookie}; sl_consent=denied` }), [200, "no_visitor"]);
    assert.deepEqual(await outcome({ key, name: "purchase" }, { cookie, "user-agent": "Googlebot/2.1 " }), [200, "quarantined"]);
    assert.deepEqual(await outcome({ key: strictKey, name: "purchase" }, { cookie }, strict), [200, "unsigned"]);
  });

  it("says with the status what is wrong", async () => {
    for (const [query, status] of [[{ name: "purchase" }, 401], [{ key: serverKey, name: "purchase" }, 403], [{ key, name: "" }, 400], [{ key, name: "x", value: "1.5" }, 400], [{ key, name: "x", id: "1" }, 400], [{ key }, 400]]) {
      assert.equal((await outcome({ visitor: "v", ...query }))[0], status, JSON.stringify(query));
    }
    assert.equal((await fetch(`${base}/_sl/e.gif`, { method: "POST" })).status, 404);
  });
});

describe("a server", () => {
  const call = (path, body, type, key = serverKey) =>
    fetch(base + path, { method: "POST", body, headers: { "content-type": type, authorization: `Bearer ${key}` } });

  it("sends a visitor's events with its secret key, without a quota", async () => {
    const visitor = visitorId();
    for (let nth = 0; nth < 15; nth += 1) {
      const { key: _, ...sent } = batch(Array.from({ length: 100 }, () => purchase()), { visitor });
      const answer = await call("/v1/events", JSON.stringify(sent), "application/json");
      assert.equal((await answer.json()).accepted, 100);
      if (nth === 0) assert.equal((await (await call("/v1/events", JSON.stringify(sent), "application/json")).json()).duplicate, 100);
    }
  });

  it("and with no other key, nor in a page", async () => {
    const sent = JSON.stringify(batch([purchase()]));
    assert.equal((await call("/v1/events", sent, "application/json", key)).status, 403);
    assert.equal((await call("/v1/events", sent, "application/json", "nope")).status, 401);
    assert.equal((await call("/v1/events", sent, "text/plain")).status, 415);
    assert.equal((await post(batch([purchase()], { key: serverKey }))).status, 403);
    const { key: _, ...keyless } = batch([purchase()]);
    assert.equal((await post(keyless)).status, 401);
    for (const path of ["/v1/keys", "/v1/config", "/v1/experiments"]) {
      assert.equal((await fetch(base + path, { headers: { authorization: `Bearer ${serverKey}` } })).status, 403, path);
    }
  });

  it("imports a CSV with a report of every line, and the same file only once", async () => {
    const now = Date.now();
    const text = `visitor,name,time,value,shop\r\nv-1,purchase,${now},4900,"Madrid, Sol"\r\n,purchase,${now},1,\r\nv-2,purchase,soon,1,\r\nv-2,purchase,${now - 31 * 86_400_000},1,\r\nv-3,purchase,${now},,\r\n`;
    const first = await (await call("/v1/conversions", text, "text/csv")).json();
    assert.deepEqual([first.accepted, first.duplicate, first.rejected], [2, 0, 3]);
    assert.deepEqual(first.lines.map(([line, outcome]) => [line, outcome]), [[2, "accepted"], [3, "invalid"], [4, "invalid"], [5, "too_old"], [6, "accepted"]]);
    assert.match(first.lines[1][2], /an id has 1 to/);
    const again = await (await call("/v1/conversions", text, "text/csv")).json();
    assert.deepEqual([again.accepted, again.duplicate], [0, 2]);
  });

  it("imports 3,000 lines of NDJSON, and what it imports feeds the metrics", async () => {
    const visitor = visitorId();
    for (const variation of ["a", "b"]) {
      await post(batch([{ id: randomUUID(), kind: "exposure", experiment: "hero", variation, time: Date.now() }], { visitor }));
    }
    const revenue = async () => {
      const found = await (await fetch(`${base}/v1/experiments/hero/results`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).json();
      return found.results[0].metrics[0].variations.reduce((sum, { analyses }) => sum + analyses[0].numerator, 0);
    };
    const lines = Array.from({ length: 3000 }, (_, nth) => JSON.stringify({ visitor: nth === 0 ? visitor : `crm-${nth}`, name: "purchase", time: Date.now() + 1000, value: 31 }));
    const answer = await (await call("/v1/conversions", `${lines.join("\n")}\n{"visitor":1}\n`, "application/x-ndjson")).json();
    assert.deepEqual([answer.accepted, answer.rejected, answer.lines.length], [3000, 1, 3001]);
    for (let tries = 0; tries < 100 && (await revenue()) !== 31; tries += 1) await new Promise((done) => setTimeout(done, 50));
    assert.equal(await revenue(), 31);
    assert.equal((await call("/v1/conversions", "a,b\n", "text/csv")).status, 400);
    assert.equal((await call("/v1/conversions", " ".repeat(1_000_001), "text/csv")).status, 413);
    assert.equal((await call("/v1/conversions", lines[0], "application/x-ndjson", key)).status, 403);
  });
});
