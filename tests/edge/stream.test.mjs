// Live results: an event when they change, none when they do not, and an end when the key is deleted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { both, collector } from "./_admin.mjs";

let api, key;
before(async () => {
  api = await collector();
  await api.publish();
  key = await api.ok("POST", "/v1/keys", { scope: "read" });
});
after(() => api?.stop());

/** The events of a stream, one after another. */
async function* events(more = {}) {
  const response = await fetch(`${api.base}/v1/experiments/hero/results/stream`, { headers: { authorization: `Bearer ${key.key}`, ...more } });
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
  let text = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const fields = text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s));
      const { event, id, data } = Object.fromEntries(fields);
      yield { event, id, data: data && JSON.parse(data), comment: fields[0][0] === "" };
    }
  }
}

test("results come at once and whenever they change", async () => {
  const stream = events();
  const start = (await stream.next()).value;
  assert.deepEqual([start.event, start.data.id, start.data.totalUsers], ["results", "hero", 0]);
  const next = stream.next();
  await api.send("v-1", both());
  const changed = (await next).value;
  assert.deepEqual([changed.event, changed.data.totalUsers], ["results", 1]);
  assert.notEqual(changed.id, start.id);
  await stream.return();
  // Who has seen the last one hears of the next: here only a sign of life.
  const again = events({ "last-event-id": changed.id });
  assert.equal((await again.next()).value.comment, true);
  await again.return();
});

test("the stream ends when its key is deleted, and is there for experiments alone", async () => {
  const stream = events();
  assert.equal((await stream.next()).value.event, "results");
  const deleted = await api.call("DELETE", `/v1/keys/${key.id}`);
  assert.equal(deleted.status, 204);
  const last = (await stream.next()).value;
  assert.deepEqual([last.event, last.data.reason], ["end", "The key does not hold any more."]);
  assert.equal((await stream.next()).done, true);
  assert.equal((await api.call("GET", "/v1/experiments/nope/results/stream")).status, 404);
  assert.equal((await api.call("GET", "/v1/experiments/next/results/stream")).status, 404);
});
