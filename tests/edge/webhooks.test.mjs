// Webhooks over HTTP: signed, tried again, given up, made again, and never lost or sent twice at once.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { collector, CONFIG, receiver, until } from "./_admin.mjs";

const signed = (secret, { id, headers, body }) =>
  `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`${id}.${headers["webhook-timestamp"]}.${body}`).digest("base64")}`;

let hooks, api, secret;
const config = (...webhooks) => ({ ...CONFIG, webhooks });
const ops = (more = {}) => ({ key: "ops", url: hooks.url, events: ["config", "experiment"], ...more });
const deliveries = async (query = "") => (await api.ok("GET", `/v1/webhooks/deliveries${query}`)).deliveries;
const settled = async (id, state) => until(async () => (await deliveries()).find((one) => one.id === id && one.state === state), `${id} is ${state}`);

before(async () => {
  hooks = await receiver();
  api = await collector({
    services: `, (name = "anywhere", network = (allow = ["public", "private"]))`, outbound: "anywhere",
    bindings: `(name = "WEBHOOK_RETRY_SECONDS", text = "0"),`,
  });
});
after(async () => {
  await api?.stop();
  hooks?.stop();
});

describe("a webhook", () => {
  it("gets a secret when a config brings it, which is shown once", async () => {
    const published = await api.publish(config(ops()));
    assert.deepEqual(published.webhookSecrets.map(({ key }) => key), ["ops"]);
    ({ secret } = published.webhookSecrets[0]);
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const again = await api.ok("PUT", "/v1/config", { ...config(ops()), timezone: "UTC" });
    assert.equal(again.webhookSecrets, undefined);
    const listed = await api.call("GET", "/v1/webhooks");
    assert.deepEqual(listed.json.webhooks[0].events, ["config", "experiment"]);
    assert.ok(!listed.text.includes("whsec_"));
    for (const [url, pattern] of [["http://example.com/", /not of this machine/], ["https://a:b@example.com/", /password/]]) {
      const refused = await api.call("PUT", "/v1/config", config(ops({ url })));
      assert.equal(refused.status, 422);
      assert.equal(refused.json.issues[0].pointer, "/webhooks/0/url");
      assert.match(refused.json.issues[0].reason, pattern);
    }
  });

  it("is told what it asked for, signed, with an id and a time", async () => {
    const told = await until(() => hooks.got.find(({ json }) => json.type === "config.publish" && json.data.subject === "2"), "told");
    assert.equal(told.headers["webhook-signature"], signed(secret, told));
    assert.ok(Math.abs(told.headers["webhook-timestamp"] - Date.now() / 1000) < 60);
    assert.deepEqual([told.json.id, told.json.data.actor], [told.id, "ADMIN_KEY"]);
    assert.equal(told.headers["content-type"], "application/json");
    await api.ok("POST", "/v1/experiments/next/start");
    const started = await until(() => hooks.got.find(({ json }) => json.type === "experiment.start"), "told of the start");
    assert.equal(started.json.data.details.experiment, "next");
    await api.ok("POST", "/v1/keys", { scope: "read" });
    await settled(started.id, "delivered");
    assert.ok(hooks.got.every(({ json }) => /^(config|experiment)\./.test(json.type)), "nobody asked for keys");
    assert.equal(new Set(hooks.got.map(({ id }) => id)).size, hooks.got.length, "each once");
  });

  it("is tried again under the same id until it answers", async () => {
    let tries = 0;
    hooks.answer = () => ((tries += 1) < 4 ? [500, 302, 404][tries - 1] : 204);
    const { id } = await api.ok("POST", "/v1/webhooks/ops/test");
    const done = await settled(id, "delivered");
    assert.deepEqual([done.attempts, done.answer, done.type], [4, "204", "webhook.test"]);
    assert.deepEqual(hooks.got.filter((hook) => hook.id === id).map(({ path }) => path), ["/hook", "/hook", "/hook", "/hook"]);
  });

  it("that never answers is given up, which can be seen and taken back", async () => {
    hooks.answer = () => 503;
    const { id } = await api.ok("POST", "/v1/webhooks/ops/test");
    const dead = await settled(id, "dead");
    assert.deepEqual([dead.attempts, dead.answer], [11, "503"]);
    assert.deepEqual((await deliveries("?state=dead&webhook=ops")).map((one) => one.id), [id]);
    assert.equal((await api.ok("GET", "/v1/webhooks")).webhooks[0].dead, 1);
    hooks.answer = () => 200;
    await api.ok("POST", `/v1/webhooks/deliveries/${id}/redeliver`);
    await settled(id, "delivered");
    assert.equal((await api.call("POST", "/v1/webhooks/deliveries/msg_0/redeliver")).status, 404);
    assert.equal((await api.ok("GET", "/v1/audit?limit=1")).audit[0].action, "webhook.redeliver");
  });

  it("is never sent a delivery twice at once, however often it is asked for", async () => {
    let free;
    const slow = new Promise((done) => { free = done; });
    hooks.answer = () => slow.then(() => 200);
    const { id } = await api.ok("POST", "/v1/webhooks/ops/test");
    await until(() => hooks.at[id] === 1, "under way");
    for (let index = 0; index < 5; index += 1) {
      assert.equal((await api.call("POST", `/v1/webhooks/deliveries/${id}/redeliver`)).status, 409);
      await api.ok("PUT", "/v1/config", config(ops()));
    }
    await sleep(300);
    free();
    hooks.answer = () => 200;
    await settled(id, "delivered");
    assert.deepEqual([hooks.most[id], hooks.got.filter((hook) => hook.id === id).length], [1, 1]);
  });

  it("can have a new secret, and the former one signs as well for a while", async () => {
    const { secret: next, oldExpiresAt } = await api.ok("POST", "/v1/webhooks/ops/secret", { oldExpiresIn: "1h" });
    assert.ok(Date.parse(oldExpiresAt) > Date.now());
    assert.notEqual(next, secret);
    const { id } = await api.ok("POST", "/v1/webhooks/ops/test");
    await settled(id, "delivered");
    const hook = hooks.got.find((one) => one.id === id);
    assert.equal(hook.headers["webhook-signature"], `${signed(next, hook)} ${signed(secret, hook)}`);
    assert.equal((await api.call("POST", "/v1/webhooks/nope/secret")).status, 404);
    assert.equal((await api.call("POST", "/v1/webhooks/ops/secret", { oldExpiresIn: "soon" })).status, 400);
    secret = next;
  });

  it("that leaves the config is told nothing more", async () => {
    hooks.answer = () => 500;
    await api.ok("PUT", "/v1/config", { ...config(ops()), timezone: "Europe/Madrid" });
    await api.ok("PUT", "/v1/config", config());
    await sleep(200);
    const count = hooks.got.length;
    const [gone] = await deliveries("?webhook=ops");
    assert.equal(gone.state, "dead");
    await sleep(300);
    assert.equal(hooks.got.length, count);
    assert.equal((await api.call("POST", `/v1/webhooks/deliveries/${gone.id}/redeliver`)).status, 409);
  });
});

it("what was to be told is told after a crash", async () => {
  const ear = await receiver();
  const fresh = await collector({
    services: `, (name = "anywhere", network = (allow = ["public", "private"]))`, outbound: "anywhere",
    bindings: `(name = "WEBHOOK_RETRY_SECONDS", text = "1"),`,
  });
  ear.answer = () => 500;
  await fresh.publish({ ...CONFIG, webhooks: [{ key: "ops", url: ear.url }] });
  await until(() => ear.got.some(({ json }) => json.type === "config.publish"), "tried once");
  await fresh.crash();
  const before = ear.got.length;
  ear.answer = () => 200;
  await fresh.restart();
  // Nobody asks anything: the alarm alone makes the deliveries.
  await until(() => new Set(ear.got.slice(before).map(({ json }) => json.type)).size >= 2, "told of the config and the key", 20_000);
  await fresh.stop();
  ear.stop();
});
