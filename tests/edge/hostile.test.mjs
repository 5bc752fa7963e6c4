// 20,000 hostile requests to every route and method of a real workerd: none fails it, what is refused changes nothing,
// and what is taken is kept as it was sent.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Agent, request as ask } from "node:http";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { random, uuidFrom } from "../load/visitors.mjs";
import { ADMIN_KEY, DATE } from "../workerd.mjs";
import { both, collector, CONFIG, purchase } from "./_admin.mjs";
import { BODIES, NAUGHTY, publicLists, spoiler } from "./_hostile.mjs";

const REQUESTS = Number(process.env.SPLITLIGHT_REQUESTS ?? 20_000);
const SEED = Number(process.env.SPLITLIGHT_SEED ?? 7);
const CONNECTIONS = 16;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36";
const LISTS = publicLists();
const STRINGS = [...NAUGHTY, ...LISTS.blns, ...LISTS.sql];
/** Every route of the API, as its description has them. */
const ROUTES = Object.entries(JSON.parse(readFileSync(new URL("../../www/schema/openapi.json", import.meta.url), "utf8")).paths)
  .flatMap(([path, methods]) => Object.entries(methods).map(([method, { parameters = [] }]) => ({ method: method.toUpperCase(), path, parameters })));
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
let api, keys, backup, tables;

before(async () => {
  api = await collector({ services: `, (name = "assets", worker = (serviceWorkerScript = "addEventListener('fetch', (event) => event.respondWith(new Response('a file')))", compatibilityDate = "${DATE}"))`, bindings: `(name = "ASSETS", service = "assets")` });
  await api.publish();
  keys = { admin: ADMIN_KEY };
  for (const scope of ["write", "read", "server"]) keys[scope] = (await api.ok("POST", "/v1/keys", { scope })).key;
  for (let index = 0; index < 20; index += 1) await api.send(`v-${index}`, [...both(), purchase(100 + index)]);
  await api.until((found) => found.totalUsers === 20);
  tables = names(await api.dump());
  backup = (await api.call("GET", "/v1/events?limit=1000")).text;
});
after(() => {
  agent.destroy();
  return api?.stop();
});

/** The tables of every object. */
const names = (dump) => Object.fromEntries(Object.entries(dump).map(([object, found]) => [object, Object.keys(found)]));

/** A request as it is, also where `fetch` would not send it. */
function send({ method, path, headers, body }) {
  return new Promise((done, fail) => {
    let asked;
    try {
      // Without its length a body of DELETE would be another request's beginning.
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      asked = ask(api.base + path, { method, headers: { ...headers, ...length }, agent, timeout: 20_000 }, (response) => {
        const parts = [];
        const answered = () => done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() });
        response.on("data", (part) => {
          parts.push(part);
          // A stream of results goes on for as long as somebody reads it.
          if (!response.headers["content-type"]?.startsWith("text/event-stream")) return;
          answered();
          response.destroy();
        });
        response.on("end", answered).on("error", fail);
      });
    } catch (error) {
      return done({ unsent: error.code });
    }
    asked.on("timeout", () => asked.destroy(new Error(`it hangs: ${method} ${path}`)));
    asked.on("error", fail);
    asked.end(body);
  });
}

/** Sends all of them over some connections. */
async function all(requests) {
  const answers = new Array(requests.length);
  const queue = requests.entries();
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (const [at, request] of queue) answers[at] = await send(request);
  }));
  return answers;
}

/** Every row of every table, once the shards have told the rollup. */
async function state() {
  let [before, now] = [undefined, undefined];
  for (let tries = 0; tries < 20; tries += 1) {
    await sleep(700);
    now = JSON.stringify(await api.dump());
    if (now === before) break;
    before = now;
  }
  const read = async (path) => (await api.call("GET", path)).text;
  return { rows: now, seen: await Promise.all(["/v1/config", "/v1/events?limit=10000", "/v1/experiments", "/v1/experiments/hero/results", "/v1/keys", "/v1/audit"].map(read)) };
}

/** Every route with a request that it takes. */
function sound(draw) {
  const bearer = (key) => ({ authorization: `Bearer ${key}`, "user-agent": AGENT });
  const event = (more) => ({ id: uuidFrom(draw), time: Date.now(), page: "/a", ...more });
  const events = [event({ kind: "exposure", experiment: "hero", variation: "a" }), event({ kind: "conversion", name: "purchase", value: 4900, properties: { category: "Books", tags: ["a", { b: 1 }] } }), event({ kind: "page_view" }), event({ kind: "dropped", name: "overflow", value: 2 })];
  const batch = { visitor: `f-${uuidFrom(draw)}`, sentAt: Date.now(), session: "s", config: "c", sdk: "fuzz/1", consent: "granted", events };
  const json = (method, path, document, key = keys.admin) => ({ method, path, headers: { ...bearer(key), "content-type": "application/json" }, body: JSON.stringify(document), document });
  const get = (path, key = keys.admin) => ({ method: "GET", path, headers: bearer(key) });
  const file = (path, type, body, key) => ({ method: "POST", path, headers: { ...bearer(key), "content-type": type }, body });
  const intake = { method: "POST", path: "/_sl/e", headers: { "content-type": "text/plain", "user-agent": AGENT, origin: "https://shop.test" } };
  const keyed = { key: keys.write, ...batch };
  return [
    ...Array(6).fill({ ...intake, body: JSON.stringify(keyed), document: keyed }),
    { ...intake, headers: { ...intake.headers, "content-encoding": "gzip" }, body: gzipSync(JSON.stringify(keyed)) },
    { method: "GET", path: `/_sl/e.gif?key=${keys.write}&name=purchase&value=1&visitor=f-1&id=${uuidFrom(draw)}`, headers: { "user-agent": AGENT } },
    ...["/_sl/health", "/_sl/sl.js", "/", "/dashboard.js"].map((path) => get(path)),
    json("POST", "/v1/events", batch, keys.server), json("POST", "/v1/events", batch, keys.server),
    file("/v1/conversions", "text/csv", `visitor,name,time,value,shop\nf-2,purchase,${Date.now()},5,"Madrid, Sol"\n`, keys.server),
    file("/v1/conversions", "application/x-ndjson", `{"visitor":"f-3","name":"purchase","time":${Date.now()},"value":5}\n`, keys.server),
    file("/v1/events/restore", "application/x-ndjson", backup.split("\n").slice(0, 4).join("\n"), keys.admin),
    json("PUT", "/v1/config", CONFIG), json("PUT", "/v1/config?dry_run=1", CONFIG), json("POST", "/v1/config/rollback", { version: 1 }),
    json("POST", "/v1/keys", { scope: "nobody", name: "n" }), json("POST", "/v1/previews", { experiment: "hero", variation: "b" }), json("POST", "/v1/explanations", { expiresIn: "1h" }),
    json("POST", "/v1/experiments/next/start", {}), json("POST", "/v1/experiments/hero/ship?dry_run=1", { variation: "b" }),
    json("POST", "/v1/keys/key_x/rotate", { oldExpiresIn: "1h" }), { ...get("/v1/keys/key_x"), method: "DELETE" }, { ...get("/v1/visitors/f-none"), method: "DELETE" },
    ...["/v1/config/versions/1", "/v1/config/versions/1/diff?against=1", "/v1/events?limit=2&cursor=0.0", "/v1/audit?limit=2", "/v1/visitors/v-1"].map((path) => get(path)),
    ...ROUTES.map(({ method, path, parameters }) => {
      const asked = parameters.filter((one) => one.in === "query" && draw() < 0.5).map(({ name }) => `${name}=${["1", "hero", "0.0"][Math.floor(draw() * 3)]}`);
      const place = path.replace(/\{\w+\}/g, "hero") + (asked.length ? `?${asked.join("&")}` : "");
      return method === "GET" ? get(place) : json(method, place, {});
    }),
  ];
}

const counted = (answers) => {
  const counts = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe("strings", () => {
  it("are kept as they were sent, whatever they say", async (test) => {
    // Lone halves of characters cannot be sent as UTF-8, and no tool that reads text would take them.
    const strings = [...new Set([...NAUGHTY, ...LISTS.blns, ...LISTS.sql])].filter((text) => text.isWellFormed());
    const short = (text) => Buffer.byteLength(text) <= 3000;
    const isId = (text) => text !== "" && [...text].length <= 128 && !/\p{Cc}/u.test(text);
    const sent = new Map();
    const queue = strings.filter(short).values();
    await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
      for (const text of queue) {
        const visitor = isId(text) ? text : `s-${sent.size}`;
        const id = randomUUID();
        sent.set(id, { visitor, text });
        const body = JSON.stringify({ visitor, sentAt: Date.now(), events: [{ id, kind: "conversion", name: "said", time: Date.now(), properties: { said: text, [[...text].slice(0, 20).join("") || "empty"]: 1 } }] });
        const answer = await api.call("POST", "/v1/events", body, keys.server, { "content-type": "application/json" });
        assert.equal(answer.json?.accepted, 1, `${JSON.stringify(text)}: ${answer.status} ${answer.text}`);
      }
    }));
    const found = new Map();
    for (let [cursor, more] = ["", "1"]; more === "1";) {
      const page = await api.call("GET", `/v1/events?limit=10000${cursor && `&cursor=${cursor}`}`);
      for (const line of page.text.split("\n").filter(Boolean)) found.set(JSON.parse(line).id, JSON.parse(line));
      [cursor, more] = [page.headers.get("splitlight-cursor"), page.headers.get("splitlight-more")];
    }
    let masked = 0;
    for (const [id, { visitor, text }] of sent) {
      const line = found.get(id);
      assert.equal(line?.visitor, visitor);
      if (line.properties.said !== text && /\[(key|jwt|authorization|credentials|password|email|mac|ip|iban|ssn|phone|card|nir|dni|nino)\]/.test(line.properties.said)) masked += 1;
      else assert.equal(line.properties.said, text);
    }
    test.diagnostic(`${sent.size - masked} strings verbatim, ${masked} masked as personal details`);
    assert.ok((LISTS.blns.length ? sent.size > 100 : sent.size >= 80) && masked < sent.size / 20, `${masked} of ${sent.size}`);
  });

  it("that are no JSON are refused, and JSON is read, as a body and as a property", async (test) => {
    const inside = (bytes) => Buffer.concat([Buffer.from(`{"visitor":"j","sentAt":0,"events":[{"id":"${randomUUID()}","kind":"conversion","name":"n","time":0,"properties":{"a":`), bytes, Buffer.from("}}]}")]);
    const ways = [(bytes) => bytes, inside];
    const post = (body) => send({ method: "POST", path: "/v1/events", body, headers: { authorization: `Bearer ${keys.server}`, "content-type": "application/json" } });
    for (const { name, bytes } of LISTS.refused) for (const way of ways) assert.equal((await post(way(bytes))).status, 400, name);
    for (const bytes of BODIES) assert.equal((await post(bytes)).status, 400, bytes.toString());
    for (const { name, bytes } of [...LISTS.read, ...LISTS.either]) {
      assert.equal((await post(bytes)).status, 400, `${name} is no batch`);
      const { status, text } = await post(inside(bytes));
      // JSON that is deeper or longer than a property may be is refused for that.
      assert.ok(status === 200 || /nested deeper|bytes|invalid/.test(text) || name.startsWith("i_"), `${name}: ${status} ${text}`);
    }
    test.diagnostic(`${LISTS.refused.length} documents of the public suite refused, ${LISTS.read.length} read`);
  });
});

describe("a page of another site", () => {
  it("changes nothing with a form, whatever cookies the browser adds", async () => {
    const paths = ["/v1/config", "/v1/config/rollback", "/v1/keys", "/v1/keys/key_1/rotate", "/v1/previews", "/v1/explanations", "/v1/events", "/v1/events/restore", "/v1/conversions", "/v1/visitors/v-1",
      ...["start", "pause", "stop", "ship"].map((verb) => `/v1/experiments/hero/${verb}`)];
    const types = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"];
    const cookie = `sl_id=v-1; authorization=Bearer ${ADMIN_KEY}; key=${ADMIN_KEY}; sl_key=${ADMIN_KEY}`;
    const before = await state();
    for (const path of paths) {
      for (const type of types) {
        for (const prefix of ["", "/_sl"]) {
          const headers = { origin: "https://evil.test", referer: "https://evil.test/", "content-type": type, cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
          const answer = await send({ method: "POST", path: prefix + path, headers, body: `{"scope":"admin","version":1,"x":"=${ADMIN_KEY}"}&authorization=Bearer+${ADMIN_KEY}` });
          assert.ok([401, 405].includes(answer.status), `${path}: ${answer.status}`);
          assert.equal(answer.headers["access-control-allow-origin"], undefined);
        }
      }
    }
    assert.deepEqual(await state(), before);
  });
});

describe(`hostile requests (seed ${SEED})`, () => {
  it(`${REQUESTS} of them: no answer is a failure, and those refused change nothing`, { timeout: 900_000 }, async (test) => {
    const draw = random(SEED);
    const spoil = spoiler(draw, STRINGS, [...BODIES, ...LISTS.refused.map(({ bytes }) => bytes)]);
    const requests = [];
    while (requests.length < REQUESTS) {
      const some = sound(draw);
      for (const request of some) requests.push(spoil(request));
    }
    requests.length = REQUESTS;
    const answers = await all(requests);
    test.diagnostic(`answers by status: ${JSON.stringify(counted(answers))}`);
    const failed = requests.filter((_, at) => answers[at].status >= 500);
    assert.equal(failed.length, 0, failed.slice(0, 3).map((one) => JSON.stringify({ ...one, body: one.body?.toString().slice(0, 800) })).join("\n"));
    for (const { status, headers, text } of answers) {
      if (status < 400 || text === "" || headers["content-type"] === "image/gif") continue;
      // What the server refuses before it asks the Worker has no problem document.
      assert.ok(headers["content-type"] === "application/problem+json" || status === 400, `${status} ${text}`);
    }
    let refused = requests.filter((_, at) => answers[at].status >= 400);
    assert.ok(refused.length > REQUESTS / 3, `only ${refused.length} were refused`);
    // What was refused for the config of that moment may be taken now: those left are refused whatever came before.
    await api.publish(CONFIG);
    for (let passes = 0, taken = 1; taken > 0; passes += 1) {
      assert.ok(passes < 5, `${taken} of the refused requests are still taken`);
      const again = await all(refused);
      const still = refused.filter((_, at) => again[at].status >= 400);
      [taken, refused] = [refused.length - still.length, still];
    }
    assert.ok(refused.length > REQUESTS / 3, `only ${refused.length} are always refused`);
    const before = await state();
    const again = await all(refused);
    assert.deepEqual(again.filter(({ status }) => status < 400 || status >= 500), []);
    const now = await state();
    test.diagnostic(`${refused.length} refused requests sent again: ${now.rows.length} bytes of tables, ${now.seen.join("").length} of answers unchanged`);
    assert.ok(now.rows === before.rows, "a refused request changed a table");
    assert.deepEqual(now.seen, before.seen);
    assert.ok(now.rows.length > 10_000 && ROUTES.length > 20);
  });

  it("the tables are those that were made, and it still counts", async () => {
    assert.deepEqual(names(await api.dump()), tables);
    assert.ok(tables["shard 0"].includes("visitors") && tables.project.includes("versions"));
    await api.publish(CONFIG);
    const before = await api.results();
    assert.equal((await api.send(randomUUID(), [...both(), purchase(1)])).accepted, 2);
    await api.until((found) => found.totalUsers === before.totalUsers + 1);
  });
});
