// Tries the API against its own OpenAPI document: schemathesis makes up requests, valid and not, and checks the answers.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { ADMIN_KEY } from "../workerd.mjs";
import { collector } from "../edge/_admin.mjs";

let api, folder;
before(async () => {
  // It keeps what it found beside itself.
  folder = mkdtempSync(join(tmpdir(), "splitlight-api-"));
  api = await collector({ bindings: `(name = "COOKIE_KEY", text = "${"ab".repeat(32)}"), ` });
  await api.publish();
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
  return api?.stop();
});

it("answers as its document says, whatever it is asked", { timeout: 600_000 }, () => {
  const ran = spawnSync(process.env.SPLITLIGHT_SCHEMATHESIS, [
    "--config-file", fileURLToPath(new URL("schemathesis.toml", import.meta.url)), "run", `${api.base}/v1/openapi.json`, "--header", `Authorization: Bearer ${ADMIN_KEY}`,
    "--max-examples", process.env.SPLITLIGHT_EXAMPLES ?? "15", "--seed", "1", "--workers", "1", "--no-color",
    // Whether a key that was made up exists is not for a document to say.
    "--exclude-checks", "positive_data_acceptance",
    // It cannot write lines of JSON; tests/edge/export.test.mjs does.
    "--exclude-operation-id", "restoreEvents",
  ], { encoding: "utf8", maxBuffer: 1 << 26, cwd: folder });
  assert.equal(ran.status, 0, `${ran.stdout}\n${ran.stderr}`);
  console.log(ran.stdout.match(/Test cases:\n.*/)?.[0].replace("\n", ""));
});
