// Looks at the results page as a growth team would: with a key, with a wrong one, and while numbers arrive.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, random, uuidFrom } from "../load/visitors.mjs";
import { stack, visitor } from "./visitor.mjs";

/** Sends one visitor with an exposure, and a purchase when asked. */
async function expose(draw, buys) {
  const id = uuidFrom(draw);
  const time = Date.now() - 1000;
  const variation = assign("hero-copy", id, ["control", "recommended"]);
  const events = [{ id: uuidFrom(draw), kind: "exposure", experiment: "hero-copy", variation, time }];
  if (buys) events.push({ id: uuidFrom(draw), kind: "conversion", name: "purchase", value: 4900, time: time + 1 });
  const response = await fetch(`${stack.shop}${stack.prefix}/e`, {
    method: "POST", body: JSON.stringify({ key: stack.writeKey, visitor: id, sentAt: Date.now(), events }),
    headers: { "content-type": "text/plain" },
  });
  assert.equal(response.status, 200, await response.text());
}

for (const width of [390, 1280]) {
  test(`the results page shows numbers as they arrive, ${width} px wide`, async (t) => {
    const draw = random(Date.now());
    await Promise.all(Array.from({ length: 40 }, (_, i) => expose(draw, i % 3 === 0)));
    const { page, errors } = await visitor(t, { viewport: { width, height: 900 } });
    await page.goto(`${stack.api}/#key=${stack.readKey}`);
    await page.waitForSelector("text=Purchase rate");
    assert.ok(!page.url().includes(stack.readKey), "the key stays in the address bar");
    const users = () => page.evaluate(() => document.body.innerText);
    const before = await users();
    await expose(draw, true);
    await page.waitForFunction((old) => document.body.innerText.replace(/\d+ s ago|just now/g, "") !== old.replace(/\d+ s ago|just now/g, ""), before);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    assert.deepEqual(errors, []);
  });
}

test("a wrong key and a key of another kind are told so", async (t) => {
  const { page } = await visitor(t);
  await page.goto(`${stack.api}/#key=sl_read_wrong`);
  await page.waitForSelector("text=This key was not accepted");
  await page.fill("#key", stack.writeKey);
  await page.press("#key", "Enter");
  await page.waitForSelector("text=This key cannot read results");
});
