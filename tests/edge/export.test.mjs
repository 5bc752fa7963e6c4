// What is kept can leave and come back: the export with its cursor, a recount by the command line, a restored backup,
// retention, and the databases of earlier releases.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { both, collector, CONFIG, exposure, purchase } from "./_admin.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const started = [];
const start = async (options) => {
  const it = await collector(options);
  started.push(it);
  return it;
};
after(() => Promise.all(started.map((it) => it.stop())));

/** Every line of the export, by pages, and the last cursor. */
async function exported(it, limit) {
  let [text, cursor, more, pages] = ["", "", "1", 0];
  while (more === "1") {
    const page = await it.call("GET", `/v1/events?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    assert.equal(page.status, 200, page.text);
    assert.equal(page.headers.get("content-type"), "application/x-ndjson");
    [cursor, more] = [page.headers.get("splitlight-cursor"), page.headers.get("splitlight-more")];
    text += page.text;
    pages += 1;
  }
  return { text, cursor, pages };
}

let backup;

test("raw events are exported once each, page by page, and go on from a cursor", async () => {
  const it = await start();
  await it.publish();
  for (let index = 0; index < 30; index += 1) {
    const extra = index % 3 ? [] : [exposure("b"), exposure("a", "gone"), { ...exposure("a"), kind: "page_view", experiment: undefined, variation: undefined }];
    await it.send(`v-${index}`, [...both(), ...extra, purchase(index * 10, { color: index % 2 ? "red" : null })], { consent: "granted" });
  }
  await it.until((found) => found.totalUsers === 30);
  await sleep(1500);
  const { text, cursor, pages } = await exported(it, 7);
  assert.ok(pages > 5, `${pages} pages`);
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 30 * 3 + 10 * 3);
  assert.equal(new Set(lines.map(({ id }) => id)).size, lines.length);
  assert.deepEqual(await exported(it, 1000), { text, cursor, pages: 1 });

  // A cursor from the end finds what came later, and only that.
  await it.send("v-later", [purchase(5)]);
  const later = await it.call("GET", `/v1/events?cursor=${cursor}`);
  assert.deepEqual(later.text.trim().split("\n").map((line) => JSON.parse(line).visitor), ["v-later"]);

  backup = { answer: await it.call("GET", "/v1/experiments/hero/results"), text, lines };
});

test("exported events count the same on the command line, to the byte", () => {
  const { answer, text } = backup;
  const folder = mkdtempSync(join(tmpdir(), "splitlight-export-"));
  writeFileSync(join(folder, "events.ndjson"), text);
  writeFileSync(join(folder, "config.json"), JSON.stringify(CONFIG));
  const recounted = execFileSync("cargo", ["run", "--quiet", "--package", "splitlight-cli", "--", "replay-events", join(folder, "config.json"),
    join(folder, "events.ndjson"), "--item", "hero", "--updated", answer.json.dateUpdated], { cwd: root, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  assert.equal(recounted, `${answer.text}\n`);
});

test("a backup counts the same after a wipe", async () => {
  const { answer, text, lines } = backup;
  const empty = await start();
  await empty.publish();
  const restored = await empty.ok("POST", "/v1/events/restore", text);
  assert.deepEqual(restored, { restored: lines.length, duplicate: 0, forgotten: 0 });
  assert.equal((await empty.ok("POST", "/v1/events/restore", text)).duplicate, lines.length);
  const { dateUpdated: _, ...before } = answer.json;
  await empty.until((found) => found.totalUsers === 30);
  await sleep(1000);
  const { dateUpdated: __, ...after } = await empty.results();
  assert.deepEqual(after, before);
  const bad = await empty.call("POST", "/v1/events/restore", `${text}{"id":1}\n`);
  assert.equal(bad.status, 400);
  assert.match(bad.json.detail, new RegExp(`Line ${lines.length + 1} `));
});

test("ids of visitors go after 13 months and events after 25, and the results stay", async () => {
  const it = await start();
  await it.publish();
  await it.send("v-old", [...both(), purchase(700)]);
  const { dateUpdated: _, ...before } = await it.until((found) => found.totalUsers === 1);
  const rows = async (age) => {
    await it.dump(age);
    for (let index = 0; index < 6; index += 1) await it.send(`t-${index}-${age}`, [purchase(1)]);
    await sleep(1500);
    const { "shard 0": a, "shard 1": b } = await it.dump();
    const visitors = [...a.visitors, ...b.visitors].map(([id]) => id);
    return { known: visitors.includes("v-old"), log: [...a.log, ...b.log].filter((row) => row.includes("v-old") || row[1] === null).length };
  };
  assert.deepEqual(await rows(390), { known: true, log: 1 });
  const dump = JSON.stringify(await it.dump());
  assert.ok(dump.includes("v-old"));
  const nameless = await rows(10);
  assert.equal(nameless.known, false);
  assert.ok(nameless.log >= 1, "the events are still there, and name nobody");
  assert.ok(!JSON.stringify(await it.dump()).includes("v-old"));
  assert.ok((await exported(it, 1000)).text.includes('"visitor":null'));
  // Of the log only the twelve events of the two earlier rounds are left, nameless by now.
  assert.deepEqual(await rows(400), { known: false, log: 12 });
  const { dateUpdated: __, ...now } = await it.results();
  assert.deepEqual(now, before);
});

test("who keeps no events has none", async () => {
  const it = await start({ bindings: `(name = "EVENT_MONTHS", text = "0")` });
  await it.publish();
  await it.send("v-1", [...both(), purchase(1)]);
  await it.until((found) => found.totalUsers === 1);
  assert.equal((await exported(it, 10)).text, "");
  assert.equal((await it.ok("GET", "/v1/visitors/v-1")).kept.conversions.length, 1);
});

const golden = join(root, "tests/golden");
for (const release of readdirSync(golden).filter((name) => !name.includes("."))) {
  test(`databases of schema ${release} open, count on and forget`, async () => {
    const { key, config, results } = JSON.parse(readFileSync(join(golden, release, "expected.json"), "utf8"));
    const it = await start({ state: join(golden, release, "state") });
    it.use(key);
    const numbers = (found) => ({
      users: found.variations.map(({ users }) => users),
      sums: found.results[0].metrics.map(({ variations }) => variations.map(({ analyses }) => analyses[0].numerator)),
      quarantined: found.checks.quarantined,
    });
    assert.deepEqual(numbers(await it.results()), numbers(results));
    assert.deepEqual(await it.ok("GET", "/v1/config"), config);
    assert.ok((await it.ok("GET", "/v1/config/versions")).versions.length >= 1);
    const before = await it.results();
    if (Number(release) > 1) assert.ok((await exported(it, 1000)).text.includes("golden-7"), "the log is read");
    await it.send("golden-new", [...both(), purchase(3)]);
    await it.until((found) => found.totalUsers === before.totalUsers + 1);
    const { kept } = await it.ok("GET", "/v1/visitors/golden-7");
    assert.deepEqual([kept.exposures.length, kept.conversions[0].value], [1, 700]);
    for (const visitor of ["golden-7", "golden-new"]) assert.equal((await it.ok("DELETE", `/v1/visitors/${visitor}`)).wasKnown, true);
    const after = numbers(await it.results());
    assert.equal(after.users[0] + after.users[1], results.totalUsers - 1);
    assert.equal(after.sums[1][0] + after.sums[1][1], numbers(results).sums[1][0] + numbers(results).sums[1][1] - 700);
  });
}
