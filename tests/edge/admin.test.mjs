// The admin API over HTTP: versions of the config, an experiment's life, keys, the audit log, and every route's scopes.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { both, collector, CONFIG, purchase } from "./_admin.mjs";

let api;
before(async () => {
  api = await collector();
});
after(() => api?.stop());

const changed = (edit) => {
  const config = structuredClone(CONFIG);
  edit(config);
  return config;
};
const refused = async (status, pattern, ...request) => {
  const answer = await api.call(...request);
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.match(`${answer.json.title} ${answer.json.detail}`, pattern);
};

describe("config versions", () => {
  it("are kept, listed, compared and published again", async () => {
    const first = (await api.publish()).version;
    const second = (await api.publish(changed(({ metrics }) => { metrics[0].window = "7d"; }))).version;
    assert.equal(second, first + 1);
    const { versions, nextCursor } = await api.ok("GET", "/v1/config/versions?limit=1");
    assert.deepEqual([versions.length, versions[0].version, versions[0].actor, nextCursor], [1, second, "ADMIN_KEY", `${second}`]);
    const rest = await api.ok("GET", `/v1/config/versions?limit=1&cursor=${nextCursor}`);
    assert.deepEqual([rest.versions[0].version, rest.nextCursor], [first, null]);
    const { changes } = await api.ok("GET", `/v1/config/versions/${second}/diff`);
    assert.deepEqual(changes, [{ op: "add", path: "/metrics/bought/window", to: "7d" }]);
    assert.equal((await api.ok("GET", `/v1/config/versions/${first}/diff?against=${second}`)).changes[0].op, "remove");
    const rolled = await api.ok("POST", "/v1/config/rollback", { version: first });
    assert.equal(rolled.version, second + 1);
    assert.deepEqual(await api.ok("GET", "/v1/config"), CONFIG);
    assert.deepEqual(await api.ok("GET", `/v1/config/versions/${first}`), CONFIG);
    await refused(404, /version `99`/, "GET", "/v1/config/versions/99");
    await refused(404, /version `x`/, "GET", "/v1/config/versions/x/diff");
    await refused(404, /version `99`/, "POST", "/v1/config/rollback", { version: 99 });
    await refused(400, /version/, "POST", "/v1/config/rollback", { to: 1 });
  });

  it("are not made by a dry run, which says what would change", async () => {
    const before = await api.ok("GET", "/v1/config/versions");
    const wish = changed(({ experiments }) => { experiments.pop(); });
    const dry = await api.ok("PUT", "/v1/config?dry_run=1", wish);
    assert.deepEqual(dry.changes.map(({ op, path }) => [op, path]), [["remove", "/experiments/next"]]);
    await refused(422, /experimnts/, "PUT", "/v1/config?dry_run=1", { version: 1, project: "default", experimnts: [] });
    await refused(400, /dry_run=maybe/, "PUT", "/v1/config?dry_run=maybe", wish);
    assert.deepEqual(await api.ok("GET", "/v1/config/versions"), before);
    assert.deepEqual(await api.ok("GET", "/v1/config"), CONFIG);
  });

  it("are replaced only if they are the expected one, and not sent twice", async () => {
    const read = await api.call("GET", "/v1/config");
    const etag = read.headers.get("etag");
    await refused(412, /in the meantime/, "PUT", "/v1/config", CONFIG, undefined, { "if-match": '"1"' });
    assert.equal((await api.call("PUT", "/v1/config", CONFIG, undefined, { "if-match": etag })).status, 200);
    const same = await api.call("GET", "/v1/config", undefined, undefined, { "if-none-match": etag });
    assert.deepEqual([same.status, same.text], [304, ""]);
  });
});

describe("an experiment", () => {
  const status = async (key) => (await api.ok("GET", "/v1/config")).experiments.find((known) => known.key === key).status;

  it("starts, pauses, starts again and stops", async () => {
    for (const [verb, leadsTo] of [["start", "running"], ["pause", "paused"], ["start", "running"], ["stop", "stopped"]]) {
      const { changes } = await api.ok("POST", `/v1/experiments/next/${verb}`);
      assert.equal(changes[0].to, leadsTo);
      assert.equal(await status("next"), leadsTo);
    }
    await refused(409, /not possible/, "POST", "/v1/experiments/next/start");
    await refused(404, /experiment `nope`/, "POST", "/v1/experiments/nope/start");
    assert.match((await api.call("GET", "/v1/experiments/next")).json.status, /stopped/);
  });

  it("is shipped to everybody, and what was known then is written down", async () => {
    await api.send("v-1", [...both(), purchase(500)]);
    await api.until((found) => found.totalUsers === 1);
    const wish = { variation: "b" };
    const dry = await api.ok("POST", "/v1/experiments/hero/ship?dry_run=1", wish);
    assert.deepEqual([dry.dryRun, dry.changes.length, await status("hero")], [true, 2, undefined]);
    await api.ok("POST", "/v1/experiments/hero/ship", wish);
    assert.equal(await status("hero"), "stopped");
    const { personalizations } = await api.ok("GET", "/v1/config");
    assert.deepEqual(personalizations, [{ key: "hero-shipped", changes: CONFIG.experiments[0].variations[1].changes }]);
    const entry = (await api.ok("GET", "/v1/audit?limit=1")).audit[0];
    assert.deepEqual([entry.action, entry.details.experiment, entry.details.variation], ["experiment.ship", "hero", "b"]);
    assert.equal(entry.details.decidedOn.totalUsers, 1);
    assert.ok(entry.details.decidedOn.verdict.reason.length > 0);
    assert.equal((await api.results()).totalUsers, 1, "the results stay");
    await refused(404, /variation `z`/, "POST", "/v1/experiments/hero/ship", { variation: "z" });
    await refused(400, /variation/, "POST", "/v1/experiments/hero/ship", {});
  });
});

describe("keys", () => {
  it("are rotated, with time for the old one, or without", async () => {
    const made = await api.ok("POST", "/v1/keys", { scope: "read", name: "dashboard" });
    const soft = await api.ok("POST", `/v1/keys/${made.id}/rotate`, { oldExpiresIn: "1h" });
    assert.deepEqual([soft.scope, soft.name, soft.replaces], ["read", "dashboard", made.id]);
    for (const { key } of [made, soft]) assert.equal((await api.call("GET", "/v1/experiments", undefined, key)).status, 200);
    const listed = (await api.ok("GET", "/v1/keys")).keys.find(({ id }) => id === made.id);
    assert.ok(Date.parse(listed.expiresAt) > Date.now());
    const hard = await api.ok("POST", `/v1/keys/${soft.id}/rotate`);
    await refused(401, /Unknown key/, "GET", "/v1/experiments", undefined, soft.key);
    assert.equal((await api.call("GET", "/v1/experiments", undefined, hard.key)).status, 200);
    await refused(404, /no key/, "POST", "/v1/keys/key_0/rotate");
    await refused(400, /span/, "POST", `/v1/keys/${hard.id}/rotate`, { oldExpiresIn: "soon" });
    const dump = JSON.stringify(await api.dump());
    for (const { key } of [made, soft, hard]) assert.ok(!dump.includes(key), "a key is stored in the clear");
  });
});

describe("the audit log", () => {
  it("has every change with its actor, page by page, and nothing can change it", async () => {
    const admin = await api.ok("POST", "/v1/keys", { scope: "admin" });
    const mine = await api.ok("POST", "/v1/keys", { scope: "write" }, admin.key);
    await api.ok("PUT", "/v1/config", CONFIG, admin.key);
    await api.call("DELETE", `/v1/keys/${mine.id}`, undefined, admin.key);
    await api.call("DELETE", `/v1/keys/${mine.id}`, undefined, admin.key);
    const all = [];
    for (let cursor = ""; cursor !== null;) {
      const page = await api.ok("GET", `/v1/audit?limit=2${cursor && `&cursor=${cursor}`}`);
      all.push(...page.audit);
      cursor = page.nextCursor;
    }
    assert.deepEqual(all.map(({ id }) => id), [...all.keys()].map((index) => all.length - index));
    assert.deepEqual(all.slice(0, 3).map(({ action, actor }) => [action, actor]),
      [["key.delete", admin.id], ["config.publish", admin.id], ["key.create", admin.id]]);
    const actions = new Set(all.map(({ action }) => action));
    for (const action of ["config.rollback", "experiment.start", "experiment.pause", "experiment.stop", "experiment.ship", "key.rotate"]) {
      assert.ok(actions.has(action), action);
    }
    for (const method of ["POST", "PUT", "DELETE"]) await refused(405, /GET/, method, "/v1/audit");
    await refused(400, /limit=0/, "GET", "/v1/audit?limit=0");
    await refused(400, /cursor=x/, "GET", "/v1/audit?cursor=x");
  });
});

// What each scope is answered: [no key, a stranger's, write, read, server, admin].
const READ = [401, 401, 403, 200, 403, 200];
const ADMIN = (status) => [401, 401, 403, 403, 403, status];
const SERVER = (status) => [401, 401, 403, 403, status, status];
const ROUTES = [
  ["GET", "/v1/health", [200, 200, 200, 200, 200, 200]],
  ["GET", "/v1/openapi.json", [200, 200, 200, 200, 200, 200]],
  ["GET", "/v1/experiments", READ],
  ["GET", "/v1/experiments/hero", READ],
  ["GET", "/v1/experiments/hero/results", READ],
  ["GET", "/v1/personalizations/hero/results", [401, 401, 403, 404, 403, 404]],
  ["GET", "/v1/experiments/hero/timeseries", READ],
  ["GET", "/v1/personalizations/hero/timeseries", [401, 401, 403, 404, 403, 404]],
  ["GET", "/v1/funnels/none", [401, 401, 403, 404, 403, 404]],
  ["GET", "/v1/kpis", READ],
  ["GET", "/v1/reports/daily", READ],
  ["GET", "/v1/reports/yearly", [401, 401, 403, 404, 403, 404]],
  ["GET", "/v1/cohorts", [401, 401, 403, 404, 403, 404]],
  ["POST", "/v1/experiments/hero/start", ADMIN(409)],
  ["POST", "/v1/experiments/hero/pause?dry_run=1", ADMIN(200)],
  ["POST", "/v1/experiments/hero/stop?dry_run=1", ADMIN(200)],
  ["POST", "/v1/experiments/hero/ship", ADMIN(400)],
  ["GET", "/v1/config", READ],
  ["PUT", "/v1/config", ADMIN(422)],
  ["PUT", "/v1/config?dry_run=1", ADMIN(422)],
  ["POST", "/v1/config/rollback", ADMIN(400)],
  ["GET", "/v1/config/versions", READ],
  ["GET", "/v1/config/versions/1", READ],
  ["GET", "/v1/config/versions/1/diff", READ],
  ["GET", "/v1/keys", ADMIN(200)],
  ["POST", "/v1/keys", ADMIN(400)],
  ["DELETE", "/v1/keys/key_0", ADMIN(404)],
  ["POST", "/v1/keys/key_0/rotate", ADMIN(404)],
  ["POST", "/v1/previews", ADMIN(400)],
  ["GET", "/v1/experiments/hero/results/stream", READ],
  ["GET", "/v1/alerts", READ],
  ["GET", "/v1/webhooks", ADMIN(200)],
  ["GET", "/v1/webhooks/deliveries", ADMIN(200)],
  ["POST", "/v1/webhooks/deliveries/msg_0/redeliver", ADMIN(404)],
  ["POST", "/v1/webhooks/ops/secret", ADMIN(404)],
  ["POST", "/v1/webhooks/ops/test", ADMIN(404)],
  ["GET", "/v1/audit", ADMIN(200)],
  ["GET", "/v1/visitors/nobody", ADMIN(404)],
  ["DELETE", "/v1/visitors/nobody", ADMIN(200)],
  ["GET", "/v1/events", ADMIN(200)],
  ["POST", "/v1/events", SERVER(415)],
  ["POST", "/v1/events/restore", ADMIN(400)],
  ["POST", "/v1/conversions", SERVER(415)],
  ["POST", "/v1/explanations", ADMIN(201)],
];

describe("every route", () => {
  let keys;
  before(async () => {
    const make = async (scope) => (await api.ok("POST", "/v1/keys", { scope })).key;
    keys = [null, "sl_admin_nobody", await make("write"), await make("read"), await make("server"), await make("admin")];
    await sleep(20);
  });

  for (const [method, path, statuses] of ROUTES) {
    it(`${method} ${path} answers each scope as documented`, async () => {
      for (const [index, status] of statuses.entries()) {
        const answer = await api.call(method, path, method === "GET" || method === "DELETE" ? undefined : "", keys[index]);
        assert.equal(answer.status, status, `key ${index}: ${answer.text}`);
        if (status >= 400) {
          assert.equal(answer.headers.get("content-type"), "application/problem+json");
          assert.equal(answer.json.status, status);
          for (const member of ["type", "title", "detail"]) assert.ok(answer.json[member]?.length > 0, answer.text);
        }
        if (status === 401) assert.match(answer.headers.get("www-authenticate"), /^Bearer/);
      }
    });

    it(`${method} ${path} refuses other methods and unknown parameters`, async () => {
      const plain = path.split("?")[0];
      const patch = await api.call("PATCH", plain);
      assert.equal(patch.status, 405, patch.text);
      assert.ok(patch.headers.get("allow").includes(method), patch.headers.get("allow"));
      await refused(400, /wat/, method, `${plain}?wat=1`, method === "GET" || method === "DELETE" ? undefined : "");
    });
  }

  it("is in the list above, with the scope that is documented", async () => {
    const { paths } = (await api.call("GET", "/v1/openapi.json", undefined, null)).json;
    const rows = ROUTES.map(([method, path, statuses]) => ({ method, path: path.split("?")[0], statuses }));
    for (const [path, methods] of Object.entries(paths)) {
      const fits = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
      for (const [method, { description }] of Object.entries(methods)) {
        const row = rows.find((tested) => tested.method === method.toUpperCase() && fits.test(tested.path));
        assert.ok(row, `${method} ${path} is not tested`);
        const scope = description?.match(/scope `(\w+)`/)[1];
        const open = scope ? [scope, "admin"] : ["write", "read", "server", "admin"];
        const may = ["write", "read", "server", "admin"].filter((_, at) => ![401, 403].includes(row.statuses[at + 2]));
        assert.deepEqual(new Set(may), new Set(open), `${method} ${path}`);
      }
    }
  });
});
