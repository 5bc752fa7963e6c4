// A visitor's rights over HTTP: everything kept of them, gone on demand and for good, and what is never kept at all.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { both, collector, exposure, purchase } from "./_admin.mjs";

let it;
before(async () => {
  it = await collector();
  await it.publish();
});
after(() => it?.stop());

const stripped = ({ dateUpdated, ...found }) => found;

test("a forgotten visitor leaves no row and no trace in the results, and does not come back", async () => {
  for (let index = 0; index < 6; index += 1) await it.send(`stays-${index}`, [...both(), purchase(100 * index)]);
  const without = stripped(await it.until((found) => found.totalUsers === 6));
  const events = [...both(), exposure("a", "gone"), purchase(4900, { color: "red" })];
  const first = await it.send("leaves-0b9d1f0a", events, { consent: "granted" });
  assert.equal(first.accepted + first.quarantined, 4);
  await it.until((found) => found.totalUsers === 7);
  const kept = await it.ok("GET", "/v1/visitors/leaves-0b9d1f0a");
  assert.equal(kept.visitor, "leaves-0b9d1f0a");
  assert.deepEqual(kept.kept.countedIn, ["hero"]);
  assert.equal(kept.kept.conversions[0].value, 4900);
  assert.equal(kept.events.length, 4);
  assert.ok(kept.events.every(({ consent, receivedAt }) => consent === "granted" && receivedAt > 0), JSON.stringify(kept.events));
  assert.ok(JSON.stringify(await it.dump()).includes("leaves-0b9d1f0a"), "the dump would not show an id that is there");

  const begun = performance.now();
  const gone = await it.ok("DELETE", "/v1/visitors/leaves-0b9d1f0a");
  const took = performance.now() - begun;
  assert.ok(took < 1000, `${took} ms`);
  console.log(`forgetting a visitor took ${took.toFixed(0)} ms`);
  assert.equal(gone.wasKnown, true);
  assert.deepEqual(stripped(await it.results()), without);
  assert.ok(!JSON.stringify(await it.dump()).includes("leaves-0b9d1f0a"), "an id is left in a table");
  assert.equal((await it.call("GET", "/v1/visitors/leaves-0b9d1f0a")).status, 404);

  // The outbox of their browser sends it all again, and more.
  for (const again of [events, [...both(), purchase(1)]]) {
    const answer = await it.send("leaves-0b9d1f0a", again);
    assert.equal(answer.forgotten, again.length, JSON.stringify(answer));
  }
  assert.ok(!JSON.stringify(await it.dump()).includes("leaves-0b9d1f0a"), "the id came back");
  await it.send("stays-0", [purchase(0)]);
  assert.deepEqual(stripped(await it.results()).totalUsers, without.totalUsers);

  const { audit } = await it.ok("GET", "/v1/audit");
  const entry = audit.find(({ action }) => action === "visitor.forget");
  assert.equal(entry.subject, gone.proof);
  assert.deepEqual([entry.actor, entry.details], ["ADMIN_KEY", { wasKnown: true }]);
  assert.equal((await it.ok("DELETE", "/v1/visitors/leaves-0b9d1f0a")).proof, gone.proof);
});

test("who is forgotten before they came is not let in either, and the others are", async () => {
  assert.equal((await it.ok("DELETE", "/v1/visitors/never%2Fcame")).wasKnown, false);
  assert.equal((await it.send("never/came", both())).forgotten, 2);
  assert.equal((await it.send("never", both())).forgotten, 0);
});

test("personal details in properties are masked before anything is stored", async () => {
  const properties = { note: "call ana.lopez@example.com", "E-Mail": "x", card: 4111111111111111, deep: [{ ip: "10.1.2.3", from: "192.168.7.9" }], color: "red" };
  await it.send("masked", [purchase(1, properties)]);
  const { events } = await it.ok("GET", "/v1/visitors/masked");
  assert.deepEqual(events[0].properties, {
    note: "call [email]", "E-Mail": "[masked]", card: "[card]", deep: [{ ip: "[masked]", from: "[ip]" }], color: "red",
  });
  const dump = JSON.stringify(await it.dump());
  for (const secret of ["ana.lopez", "41111111", "192.168.7.9", "10.1.2.3"]) assert.ok(!dump.includes(secret), secret);
});

test("nothing is taken of who did not agree", async () => {
  for (const consent of ["denied", "pending"]) {
    const answer = await it.send("not-agreed", both(), { consent });
    assert.deepEqual([answer.status, answer.pointer], [400, "/consent"]);
  }
  assert.ok(!JSON.stringify(await it.dump()).includes("not-agreed"));
});
