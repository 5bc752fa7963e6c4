// The built Worker in front of an origin that a test plays: pages come through it, and what it counted can be asked.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ADMIN_KEY, publish, serve, splitlightWorker } from "../workerd.mjs";
import { args, executablePath, listen } from "./tag.mjs";

/**
 * Starts the Worker, publishes a config and opens a browser.
 * @param {object} config The config; its project is `default`.
 * @param {(path: string, key: string) => [string, string] | undefined} answer The type and the text of the origin's answer.
 */
export async function edgeInFront(config, answer) {
  let key;
  const origin = await listen(({ url }, response) => {
    const [type, text] = answer(new URL(url, "http://x").pathname, key) ?? [];
    if (type) response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(text);
    else response.writeHead(404).end();
  });
  const server = await serve({
    files: {}, splitlight: true,
    services: `(name = "origin", external = (address = "${new URL(origin.origin).host}", http = ())),
      (name = "files", disk = (path = "${join(process.env.SPLITLIGHT_OUT, "assets")}")), (name = "edge", worker = .edge)`,
    sockets: { edge: "edge" },
    constants: splitlightWorker("edge", `(name = "ORIGIN", service = "origin"), (name = "ASSETS", service = "files")`),
  });
  const { edge } = server.base;
  await publish(`${edge}/_sl`, config);
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const made = await fetch(`${edge}/_sl/v1/keys`, { method: "POST", headers, body: JSON.stringify({ scope: "write" }) });
  ({ key } = await made.json());
  const browser = await chromium.launch({ executablePath, args });
  return {
    edge,
    browser,
    /** Visitors of each variation that were counted. */
    async counted(experiment) {
      const answered = await fetch(`${edge}/_sl/v1/experiments/${experiment}/results`, { headers });
      const { variations } = await answered.json();
      return Object.fromEntries(variations.map(({ key: variation, users }) => [variation, users]));
    },
    async stop() {
      await browser.close();
      await server.stop();
      origin.close();
    },
  };
}

/** A visitor of a browser who is counted: neither headless nor steered, as far as pages can tell. */
export async function visitorOf(browser) {
  const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  const context = await browser.newContext({ userAgent: agent });
  await context.addInitScript(() => Object.defineProperty(navigator, "webdriver", { get: () => false }));
  return context;
}
