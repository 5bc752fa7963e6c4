// The collector over HTTP, in real workerd: intake, keys, config, results, and a matrix of bad input.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const stack = JSON.parse(process.env.SPLITLIGHT_STACK ?? "null");
if (!stack) throw new Error("SPLITLIGHT_STACK is not set: run `cargo xtask test edge`");
const intake = `${stack.api}${stack.prefix}/e`;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";

const api = (method, path, key, body, headers = {}) =>
  fetch(stack.api + path, { method, body, headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers } });
const post = (body, headers = {}) =>
  fetch(intake, { method: "POST", body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body), headers: { "content-type": "application/json", "user-agent": AGENT, ...headers } });

const visitorId = () => `t-${randomBytes(8).toString("hex")}`;
const batch = (visitor, events, more = {}) => ({ key: stack.writeKey, visitor, sentAt: Date.now(), events, ...more });
const exposure = (experiment, variation) => ({ id: randomUUID(), kind: "exposure", experiment, variation, time: Date.now() });
const conversion = (name, more = {}) => ({ id: randomUUID(), kind: "conversion", name, time: Date.now(), ...more });

async function problem(response, status, pattern) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const body = JSON.parse(text);
  assert.equal(body.status, status);
  for (const member of ["type", "title", "detail"]) assert.ok(body[member]?.length > 0, `${member} in ${text}`);
  if (pattern) assert.match(`${body.pointer ?? ""} ${body.detail}`, pattern);
  return body;
}

async function results(key, path = "experiments") {
  const response = await api("GET", `/v1/${path}/${key}/results`, stack.readKey);
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

// Results follow the events within a second or so; a busy machine gets more.
async function until(key, holds) {
  for (let tries = 0; ; tries += 1) {
    const found = await results(key);
    if (holds(found)) return found;
    assert.ok(tries < 150, `the results never became right: ${JSON.stringify(found.checks)} ${found.totalUsers}`);
    await sleep(100);
  }
}

// The collector knows which of the two variations the hash gives; the other one is quarantined.
async function expose(visitor, experiment, variations) {
  for (const variation of variations) {
    const answer = await (await post(batch(visitor, [exposure(experiment, variation)]))).json();
    if (answer.accepted === 1) return variation;
    assert.equal(answer.quarantined, 1);
  }
  return assert.fail("neither variation was accepted");
}

describe("intake", () => {
  it("counts a visitor and their purchase once, however often it is sent", async () => {
    const before = await results("hero-copy");
    const visitor = visitorId();
    const met = await expose(visitor, "hero-copy", ["control", "recommended"]);
    const purchase = batch(visitor, [conversion("purchase", { value: 4900 })]);
    for (const outcome of ["accepted", "duplicate", "duplicate"]) {
      const response = await post(purchase);
      assert.equal(response.status, 200);
      const answer = await response.json();
      assert.equal(answer[outcome], 1, JSON.stringify(answer));
      assert.deepEqual(answer.outcomes, [[purchase.events[0].id, outcome]]);
    }
    const index = met === "control" ? 0 : 1;
    const sum = (all, metric) => all.results[0].metrics.find(({ metricId }) => metricId === metric).variations[index].analyses[0].numerator;
    const now = await until("hero-copy", (found) => sum(found, "revenue") === sum(before, "revenue") + 4900);
    assert.equal(now.totalUsers, before.totalUsers + 1);
    assert.equal(sum(now, "purchase-rate"), sum(before, "purchase-rate") + 1);
  });

  it("quarantines the variation that the hash does not give, and counts it", async () => {
    const before = await results("aa-check");
    const visitor = visitorId();
    const met = await expose(visitor, "aa-check", ["first", "second"]);
    const other = met === "first" ? "second" : "first";
    const events = [exposure("aa-check", other), exposure("no-such-experiment", "control")];
    const answer = await (await post(batch(visitor, events))).json();
    assert.deepEqual(answer.outcomes.map(([, outcome]) => outcome), ["quarantined", "quarantined"]);
    const tried = met === "first" ? 0 : 1;
    const now = await until("aa-check", (found) => found.totalUsers === before.totalUsers + 1);
    assert.equal(now.checks.quarantined, before.checks.quarantined + tried + 1);
    assert.equal(now.checks.multipleExposures, before.checks.multipleExposures);
  });

  it("takes text/plain, corrects a wrong clock, and refuses what is too old by event", async () => {
    const skewed = { ...batch(visitorId(), [conversion("purchase")]), sentAt: 1000 };
    skewed.events[0].time = 500;
    const text = await post(skewed, { "content-type": "text/plain;charset=UTF-8" });
    assert.equal((await text.json()).accepted, 1);
    const events = [conversion("purchase", { time: Date.now() - 31 * 86_400_000 }), conversion("purchase")];
    const answer = await (await post(batch(visitorId(), events))).json();
    assert.deepEqual(answer.outcomes.map(([, outcome]) => outcome), ["too_old", "accepted"]);
  });

  it("counts machines apart", async () => {
    const before = await results("hero-copy");
    const answer = await (await post(batch(visitorId(), [exposure("hero-copy", "control")]), { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" })).json();
    assert.equal(answer.accepted, 0);
    await sleep(1200);
    assert.equal((await results("hero-copy")).totalUsers, before.totalUsers);
  });

  it("answers pages of other origins, also with errors", async () => {
    const preflight = await fetch(intake, { method: "OPTIONS", headers: { origin: "https://shop.test", "access-control-request-method": "POST" } });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://shop.test");
    assert.match(preflight.headers.get("access-control-allow-headers"), /content-type/);
    const bad = await post("{", { origin: "https://shop.test" });
    assert.equal(bad.headers.get("access-control-allow-origin"), "https://shop.test");
    await problem(bad, 400);
  });

  const good = () => batch(visitorId(), [conversion("purchase")]);
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`p${index}`, index]));
  for (const [name, body, status, pattern] of [
    ["not JSON", "hello", 400, /expected/],
    ["an empty body", "", 400],
    ["a truncated batch", JSON.stringify(good()).slice(0, -20), 400, /EOF/],
    ["bytes that are no text", new Uint8Array([0xff, 0xfe, 0x00]), 400],
    ["200 KB", "x".repeat(200_000), 413, /65536/],
    ["an unknown member", { ...good(), wat: 1 }, 400, /wat/],
    ["33 properties", batch("v", [conversion("purchase", { properties: many })]), 400, /^\/events\/0\/properties .*32/],
    ["an id that is no UUID", batch("v", [{ ...conversion("purchase"), id: "1" }]), 400, /^\/events\/0/],
    ["a page with a query", batch("v", [conversion("purchase", { page: "/a?b" })]), 400, /^\/events\/0\/page/],
    ["no events", batch("v", []), 400, /^\/events/],
    ["101 events", batch("v", Array.from({ length: 101 }, () => conversion("x"))), 400, /101 events/],
    ["an unknown key", { ...good(), key: "sl_write_nope" }, 401, /^\/key/],
    ["a read key", { ...good(), key: stack.readKey }, 403, /scope read/],
    ["an admin key", { ...good(), key: stack.adminKey }, 403, /scope admin/],
  ]) {
    it(`refuses ${name} with ${status} and stores nothing`, async () => {
      await problem(await post(body), status, pattern);
    });
  }

  it("refuses other types and methods", async () => {
    await problem(await post(good(), { "content-type": "text/html" }), 415);
    const get = await fetch(intake);
    assert.equal(get.headers.get("allow"), "POST, OPTIONS");
    await problem(get, 405);
  });

  it("refuses 10 MB without reading it, and goes on", async () => {
    // The server answers before the client has sent everything, which some clients report as a broken pipe.
    const answer = await post("x".repeat(10_000_000)).catch(() => null);
    if (answer) await problem(answer, 413);
    assert.equal((await (await post(good())).json()).accepted, 1);
  });

  it("stops reading a stream without a length at the limit", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        if (sent > 50_000_000) controller.close();
        else controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const answer = await fetch(intake, { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } }).catch((error) => error);
    if (answer instanceof Response) await problem(answer, 413);
    assert.ok(sent < 50_000_000, `${sent} bytes were taken`);
  });
});

describe("keys", () => {
  it("are shown once, listed without the key, and gone when deleted", async () => {
    const made = await api("POST", "/v1/keys", stack.adminKey, JSON.stringify({ scope: "read", name: "test" }));
    assert.equal(made.status, 201);
    const { id, scope, key } = await made.json();
    assert.equal(scope, "read");
    assert.match(key, /^sl_read_[0-9a-f]{64}$/);
    assert.equal((await api("GET", "/v1/experiments", key)).status, 200);
    const list = await (await api("GET", "/v1/keys", stack.adminKey)).text();
    assert.ok(list.includes(id) && !list.includes(key));
    assert.equal((await api("DELETE", `/v1/keys/${id}`, stack.adminKey)).status, 204);
    await problem(await api("GET", "/v1/experiments", key), 401);
    await problem(await api("DELETE", `/v1/keys/${id}`, stack.adminKey), 404, new RegExp(id));
  });

  it("open only what their scope says", async () => {
    await problem(await api("GET", "/v1/experiments"), 401, /Authorization/);
    await problem(await api("GET", "/v1/experiments", "nope"), 401);
    await problem(await api("GET", "/v1/experiments", stack.writeKey), 403, /scope write/);
    await problem(await api("PUT", "/v1/config", stack.readKey, "{}"), 403, /scope admin/);
    await problem(await api("GET", "/v1/keys", stack.readKey), 403);
    await problem(await api("POST", "/v1/keys", stack.adminKey, JSON.stringify({ scope: "god" })), 400, /^\/scope/);
    await problem(await api("POST", "/v1/keys", stack.adminKey, "nope"), 400);
    assert.equal((await api("GET", "/v1/experiments", stack.adminKey)).status, 200);
  });
});

describe("config", () => {
  let text;
  before(async () => {
    text = await (await api("GET", "/v1/config", stack.readKey)).text();
  });
  after(async () => {
    assert.equal((await api("PUT", "/v1/config", stack.adminKey, text)).status, 200);
  });

  it("is refused as a whole, and the running one stays", async () => {
    const wrong = JSON.parse(text);
    wrong.experiments[0].variations[0].weight = 0.9;
    wrong.experiments[1].covrage = 1;
    const answer = await problem(await api("PUT", "/v1/config", stack.adminKey, JSON.stringify(wrong)), 422, /running one stays/);
    assert.deepEqual(answer.issues.map(({ pointer }) => pointer).sort(), ["/experiments/0/variations", "/experiments/1/covrage"]);
    for (const issue of answer.issues) assert.deepEqual(Object.keys(issue), ["severity", "code", "pointer", "reason", "fix"]);
    await problem(await api("PUT", "/v1/config", stack.adminKey, "not json"), 422);
    await problem(await api("PUT", "/v1/config", stack.adminKey, new Uint8Array([0xff])), 422, /UTF-8/);
    await problem(await api("PUT", "/v1/config", stack.adminKey, " ".repeat(1_000_001)), 413);
    assert.equal(await (await api("GET", "/v1/config", stack.readKey)).text(), text);
  });

  it("changes at once, recounts who is known, and keeps its version when nothing changes", async () => {
    const visitor = visitorId();
    const met = await expose(visitor, "hero-copy", ["control", "recommended"]);
    await post(batch(visitor, [conversion("purchase", { value: 100 })]));
    const index = met === "control" ? 0 : 1;
    const sum = (found, metric) => found.results[0].metrics.find(({ metricId }) => metricId === metric)?.variations[index].analyses[0].numerator;
    const more = JSON.parse(text);
    more.metrics.push({ key: "orders", kind: "mean", event: "purchase", window: "14d" });
    more.experiments[0].metrics.secondary.push("orders");
    const first = await (await api("PUT", "/v1/config", stack.adminKey, JSON.stringify(more))).json();
    const again = await (await api("PUT", "/v1/config", stack.adminKey, JSON.stringify(more))).json();
    assert.equal(again.version, first.version);
    assert.match(first.hash, /^[0-9a-f]{16}$/);
    const now = await until("hero-copy", (found) => sum(found, "orders") >= 1);
    assert.ok(sum(now, "orders") >= sum(now, "purchase-rate"));
  });
});

describe("results", () => {
  it("answer 304 while nothing changes, whatever the time", async () => {
    await sleep(1500);
    const first = await api("GET", "/v1/experiments", stack.readKey);
    const etag = first.headers.get("etag");
    assert.equal(first.headers.get("cache-control"), "private, no-cache");
    const { experiments } = await first.json();
    assert.deepEqual(experiments.map(({ key }) => key), ["hero-copy", "aa-check"]);
    const same = await api("GET", "/v1/experiments", stack.readKey, undefined, { "if-none-match": etag });
    assert.equal(same.status, 304);
    assert.equal(await same.text(), "");
    const one = await (await api("GET", "/v1/experiments/hero-copy", stack.readKey)).json();
    assert.equal(one.key, "hero-copy");
  });

  it("have the same shape for a personalization", async () => {
    const found = await results("madrid-offers", "personalizations");
    assert.deepEqual(found.variations.map(({ key }) => key), ["holdout", "shown"]);
    assert.equal(found.results[0].metrics[0].role, "primary");
  });

  it("say what is wrong with a request", async () => {
    await problem(await api("GET", "/v1/experiments/nope/results", stack.readKey), 404, /nope/);
    await problem(await api("GET", "/v1/experiments/madrid-offers/results", stack.readKey), 404);
    await problem(await api("GET", "/v1/experiments?limit=0", stack.readKey), 400, /limit/);
    await problem(await api("GET", "/v1/nothing", stack.readKey), 404);
    const put = await api("PUT", "/v1/experiments", stack.readKey);
    assert.equal(put.headers.get("allow"), "GET, HEAD");
    await problem(put, 405);
  });

  it("need no key for health, and allow no other origin", async () => {
    const health = await api("GET", "/v1/health", undefined, undefined, { origin: "https://evil.test" });
    assert.equal((await health.json()).status, "ok");
    assert.equal(health.headers.get("access-control-allow-origin"), null);
  });
});

describe("dashboard", () => {
  it("comes with a strict policy, and answers strangers with a problem", async () => {
    const page = await fetch(`${stack.api}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type"), /^text\/html/);
    assert.match(page.headers.get("content-security-policy"), /default-src 'self'/);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    await problem(await fetch(`${stack.api}/no-such-file.js`), 404);
    await problem(await fetch(`${stack.api}/`, { method: "POST" }), 405);
  });
});
