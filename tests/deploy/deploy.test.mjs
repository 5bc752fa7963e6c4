// What `wrangler deploy` would send with worker/wrangler.jsonc, as `wrangler deploy --dry-run` says, which sends nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { DATE } from "../workerd.mjs";

const ROOT = new URL("../..", import.meta.url).pathname;
const CONFIG = readFileSync(join(ROOT, "worker/wrangler.jsonc"), "utf8");
// Cloudflare takes 3 MB after compression on the free plan, and 10 MB on others.
const BYTES_MAX = 3e6;
const folder = mkdtempSync(join(tmpdir(), "splitlight-deploy-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs wrangler with a configuration; what it says, without colors. */
function deploy(config) {
  const file = join(folder, "wrangler.jsonc");
  // The build may be elsewhere.
  writeFileSync(file, config.replaceAll("../target/splitlight", process.env.SPLITLIGHT_OUT));
  const ran = spawnSync(process.execPath, [process.env.SPLITLIGHT_WRANGLER, "deploy", "--dry-run", "--config", file, "--outdir", join(folder, "out")], {
    encoding: "utf8", cwd: folder,
    env: {
      ...process.env, CI: "1", FORCE_COLOR: "0", WRANGLER_SEND_METRICS: "false", WRANGLER_SEND_ERROR_REPORTS: "false", WRANGLER_HIDE_BANNER: "true",
      CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_LOG_PATH: join(folder, "logs"),
    },
  });
  return { code: ran.status, said: ran.stdout + ran.stderr };
}

const complains = ({ code, said }) => code !== 0 || /[▲✘]/.test(said);

test("the configuration is whole, and all that the Worker asks for is bound", () => {
  const ran = deploy(CONFIG);
  assert.ok(!complains(ran), ran.said);
  for (const binding of ["SHARD (Shard)", "ROLLUP (Rollup)", "PROJECT (Project)", "ASSETS", "PROJECT_KEY", "PREFIX", "SHARDS", "API_HOST", "ORIGIN_URL", "ALLOWED_ORIGINS"]) {
    assert.ok(ran.said.includes(`env.${binding}`), `${binding} is not bound:\n${ran.said}`);
  }
  assert.match(ran.said, /Read \d{2,} files from the assets directory/);
});

test("what would be sent is the build, small enough for every plan", (t) => {
  const sent = readdirSync(join(folder, "out")).filter((name) => name !== "README.md").sort();
  assert.deepEqual(sent, ["index.js", "index_bg.wasm", "shim.js"]);
  const built = (name) => readFileSync(join(process.env.SPLITLIGHT_OUT, "worker", name));
  assert.ok(built("index_bg.wasm").equals(readFileSync(join(folder, "out/index_bg.wasm"))));
  assert.ok(statSync(join(process.env.SPLITLIGHT_OUT, "assets/sl.js")).isFile());
  const bytes = gzipSync(Buffer.concat(sent.map(built))).length;
  t.diagnostic(`${(bytes / 1e6).toFixed(2)} MB compressed`);
  assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
});

test("what wrangler leaves to Cloudflare: every object is made by a migration and exported, and the runtime's date is that of the tests", () => {
  const classes = [...CONFIG.matchAll(/"class_name": "(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(JSON.parse(/"new_sqlite_classes": (\[.*?\])/.exec(CONFIG)[1]), classes);
  const entry = readFileSync(join(process.env.SPLITLIGHT_OUT, "worker/shim.js"), "utf8");
  for (const name of classes) assert.ok(entry.includes(`export class ${name} `), name);
  assert.ok(CONFIG.includes(`"compatibility_date": "${DATE}"`));
});

for (const [what, from, to] of [
  ["a member that nobody knows", `"vars"`, `"wars"`], ["a file that is not there", "worker/shim.js", "worker/none.js"],
  ["assets that are not there", "splitlight/assets", "splitlight/none"],
]) {
  test(`it tells ${what}`, () => {
    assert.ok(CONFIG.includes(from));
    const ran = deploy(CONFIG.replace(from, to));
    assert.ok(complains(ran), ran.said);
  });
}
