// Visitors forget themselves over HTTP: by the id that only their browser has, and with a key that may send events.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { both, collector, purchase } from "./_admin.mjs";

const ID = "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d";

let it;
let key;
before(async () => {
  it = await collector({ bindings: '(name = "ALLOWED_ORIGINS", text = "https://shop.test"), ' });
  await it.publish();
  ({ key } = await it.ok("POST", "/v1/keys", { scope: "write" }));
});
after(() => it?.stop());

/** As the browser asks: a simple request, so that no preflight comes first. */
const ask = async (body, headers = {}) => {
  const response = await fetch(`${it.base}/_sl/forget`, {
    method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers: { "content-type": "text/plain", ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: JSON.parse(text) };
};

test("who asks is gone, does not come back, and is in the audit log once", async () => {
  await it.send(ID, [...both(), purchase(4900)]);
  await it.send("stays", both());
  await it.until((found) => found.totalUsers === 2);
  const gone = await ask({ key, visitor: ID }, { origin: "https://shop.test" });
  assert.deepEqual([gone.status, gone.json.forgotten, gone.json.wasKnown], [200, true, true]);
  assert.equal(gone.headers.get("access-control-allow-origin"), "https://shop.test");
  assert.equal((await it.results()).totalUsers, 1);
  assert.ok(!JSON.stringify(await it.dump()).includes(ID), "an id is left in a table");
  assert.equal((await it.send(ID, both())).forgotten, 2);
  const again = await ask({ key, visitor: ID });
  assert.deepEqual([again.status, again.json.proof, again.json.wasKnown], [200, gone.json.proof, false]);
  const { audit } = await it.ok("GET", "/v1/audit");
  assert.deepEqual(audit.filter(({ action }) => action === "visitor.forget").map(({ actor, subject }) => [actor, subject]), [["visitor", gone.json.proof]]);
  assert.equal((await it.results()).totalUsers, 1, "nobody else is gone");
});

test("what is no such request is refused, says why and forgets nobody", async () => {
  const { key: read } = await it.ok("POST", "/v1/keys", { scope: "read" });
  const before = JSON.stringify(await it.dump());
  for (const [body, status, detail] of [
    ["", 400, /The body is not/], ["[]", 400, /The body is not/], [{ key }, 400, /missing field `visitor`/],
    [{ key, visitor: "stays", more: 1 }, 400, /unknown field `more`/], [{ key, visitor: "" }, 400, /1 to 128 characters/],
    [{ key, visitor: "x".repeat(129) }, 400, /1 to 128 characters/], [{ key: "sl_write_no", visitor: "stays" }, 401, /not a key/],
    [{ key: read, visitor: "stays" }, 403, /scope/], ["x".repeat(3000), 413, /2048 bytes/],
  ]) {
    const answer = await ask(body);
    assert.equal(answer.status, status, JSON.stringify(answer.json));
    assert.match(answer.json.detail, detail);
  }
  assert.equal((await fetch(`${it.base}/_sl/forget`)).status, 404);
  assert.equal(JSON.stringify(await it.dump()), before);
});
