// A visitor in a real Chromium, and the means to ask the API what became of them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const stack = JSON.parse(process.env.SPLITLIGHT_STACK);

const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // Who is steered by a program is counted apart, and the visitors here are to be counted.
  "--disable-blink-features=AutomationControlled",
];
// Headless Chromium says so in its user agent; a visitor does not.
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

/** A new visitor with storage of their own, who stops with the test; errors of any page are collected. */
export async function visitor(test, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "splitlight-visitor-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: process.env.SPLITLIGHT_CHROMIUM, args, userAgent, viewport: { width: 1280, height: 900 }, ...options,
  });
  test.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(`${message.text()} ${message.location().url}`));
  return { context, page, errors };
}

/** Asks the API; throws what it says when it refuses. */
export async function ask(path) {
  const response = await fetch(`${stack.api}${path}`, { headers: { authorization: `Bearer ${stack.readKey}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Visitors, buyers and revenue of each variation of an experiment. */
export async function counts(experiment) {
  const answer = await ask(`/v1/experiments/${experiment}/results`);
  const total = (metric, index) => {
    const found = answer.results[0].metrics.find((m) => m.metricId === metric);
    return found ? found.variations[index].analyses[0].numerator : 0;
  };
  return Object.fromEntries(answer.variations.map((variation, index) => [
    variation.key,
    { users: variation.users, buyers: total("purchase-rate", index), revenue: total("revenue", index) },
  ]));
}

/** Waits until `probe` answers something true, and answers it; says what it saw last when it gives up. */
export async function until(what, probe, ms = 8000) {
  const deadline = Date.now() + ms;
  let last;
  while (Date.now() < deadline) {
    last = await probe();
    if (last) return last;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`waited ${ms} ms for ${what}; last: ${JSON.stringify(last)}`);
}

/** What Splitlight decided about one item on the page. */
export function decision(page, key) {
  return page.evaluate((wanted) => window.splitlight.decisions().find((d) => d.key === wanted), key);
}
