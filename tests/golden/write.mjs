// Writes the databases of the built Worker to a folder, for `tests/edge/migrations.test.mjs`: before a release changes a
// schema, `node tests/golden/write.mjs tests/golden/<n>` keeps what the last one wrote. It takes the environment of
// `cargo xtask test edge` (SPLITLIGHT_OUT, SPLITLIGHT_WORKERD).
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { both, collector, CONFIG, exposure, purchase } from "../edge/_admin.mjs";

const [to] = process.argv.slice(2);
const it = await collector({ dumps: false });
await it.publish();
const key = (await it.ok("POST", "/v1/keys", { scope: "write", name: "golden" })).key;
it.use(key);
for (let index = 0; index < 20; index += 1) {
  await it.send(`golden-${index}`, [...both(), purchase(100 * index, { category: index % 2 ? "Books" : "Toys" }), exposure("a", "gone")]);
}
await it.until((found) => found.totalUsers === 20);
await sleep(1500);
const results = await it.results();
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
await it.stop("SIGTERM", () => cpSync(join(it.folder, "state"), join(to, "state"), { recursive: true }));
for (const namespace of readdirSync(join(to, "state"))) {
  for (const file of readdirSync(join(to, "state", namespace))) if (file.endsWith("-shm")) rmSync(join(to, "state", namespace, file));
}
writeFileSync(join(to, "expected.json"), `${JSON.stringify({ key, config: CONFIG, results }, null, 2)}\n`);
