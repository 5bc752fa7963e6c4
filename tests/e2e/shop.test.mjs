// Shops as a visitor, behind the edge and with the script tag alone, and finds the purchase in the results.

import assert from "node:assert/strict";
import { test } from "node:test";
import { counts, decision, stack, until, visitor } from "./visitor.mjs";

const HERO = { control: "Good things for every day", recommended: "Picked with care, made to last" };
const settle = () => new Promise((done) => setTimeout(done, 1500));

/** The two ways to use Splitlight, which have to look the same to a visitor. */
const WAYS = [["behind the edge", stack.shop], ["with the script tag alone", stack.plain]];

for (const [way, shop] of WAYS) {
  test(`a purchase is found in the results, ${way}`, async (t) => {
    const { page, errors } = await visitor(t);
    const before = await counts("hero-copy");
    await page.goto(`${shop}/`);
    const hero = await until("a decision", () => decision(page, "hero-copy"));
    assert.equal(hero.reason, "assigned");
    assert.equal((await page.textContent("#hero h1")).trim(), HERO[hero.variation]);

    await page.goto(`${shop}/p/linen-shirt/`);
    await page.click("[data-add]");
    await page.goto(`${shop}/cart/`);
    await page.click("#buy");
    await page.waitForURL("**/thanks/");
    await page.waitForSelector("#order:not([hidden])");
    // A reload must not count anything twice.
    await page.reload();

    const after = await until("the purchase in the results", async () => {
      const now = await counts("hero-copy");
      return now[hero.variation].buyers > before[hero.variation].buyers && now;
    });
    await settle();
    assert.deepEqual(await counts("hero-copy"), after, "the results changed again");
    const grown = { users: 1, buyers: 1, revenue: 4900 };
    for (const key of Object.keys(after)) {
      for (const [what, by] of Object.entries(grown)) {
        const expected = before[key][what] + (key === hero.variation ? by : 0);
        assert.equal(after[key][what], expected, `${what} of ${key}`);
      }
    }
    assert.deepEqual(errors, []);
  });

  test(`three visits to Electronics change the home page, ${way}`, async (t) => {
    const { page, errors } = await visitor(t);
    for (let visit = 0; visit < 3; visit += 1) {
      await page.goto(`${shop}/`);
      assert.doesNotMatch(await page.textContent("#banner"), /Because you like electronics/, `after ${visit} visits`);
      await page.goto(`${shop}/c/electronics/`);
      await page.waitForFunction(() => window.splitlight.visitorId());
      await page.waitForLoadState("load");
    }
    await page.goto(`${shop}/`);
    await page.waitForSelector("#banner :text('Because you like electronics')");
    assert.deepEqual(await decision(page, "electronics-home"), {
      key: "electronics-home", kind: "personalization", variation: "shown", reason: "assigned", applied: true,
    });
    assert.deepEqual(errors, []);
  });

  test(`a visitor from Madrid gets local offers, another does not, ${way}`, async (t) => {
    const { context, page, errors } = await visitor(t);
    await page.goto(`${shop}/`);
    assert.match(await page.textContent("#offers"), /Free delivery/);
    await context.addCookies([{ name: "demo_city", value: "Madrid", url: shop }]);
    await page.goto(`${shop}/`);
    await page.waitForSelector("#offers :text('Delivered today in Madrid')");
    assert.deepEqual(errors, []);
  });

  test(`a buyer of Clothing sees the new collection, ${way}`, async (t) => {
    const { page, errors } = await visitor(t);
    await page.goto(`${shop}/`);
    assert.doesNotMatch(await page.textContent("#collection"), /goes with it/);
    await page.goto(`${shop}/p/linen-shirt/`);
    await page.click("[data-add]");
    await page.goto(`${shop}/cart/`);
    await page.click("#buy");
    await page.waitForURL("**/thanks/");
    await page.waitForSelector("#order:not([hidden])");
    await page.goto(`${shop}/`);
    await page.waitForSelector("#collection :text('goes with it')");
    assert.deepEqual(errors, []);
  });
}

test("the edge and the browser agree, and neither applies nor counts twice", async (t) => {
  const { context, page } = await visitor(t);
  const before = await counts("hero-copy");
  await page.goto(`${stack.shop}/`);
  const hero = await until("a decision", () => decision(page, "hero-copy"));
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const response = await fetch(`${stack.shop}/`, { headers: { cookie, accept: "text/html", "user-agent": "Mozilla/5.0 Chrome/156" } });
  const html = await response.text();
  assert.ok(html.includes(HERO[hero.variation]), "the edge rendered the variation the browser reports");
  for (let load = 0; load < 3; load += 1) {
    await page.reload();
    assert.equal((await page.textContent("#hero h1")).trim(), HERO[hero.variation]);
    assert.equal(await page.locator("#hero h1").count(), 1);
  }
  await until("the exposure", async () => (await counts("hero-copy"))[hero.variation].users > before[hero.variation].users);
  await settle();
  const after = await counts("hero-copy");
  assert.equal(after[hero.variation].users, before[hero.variation].users + 1);
});

test("the page works with the collector down, and the events arrive when it is back", async (t) => {
  const { context, page, errors } = await visitor(t);
  await context.route("**/_sl/e", (route) => route.abort("connectionrefused"));
  const before = await counts("hero-copy");
  await page.goto(`${stack.shop}/`);
  const hero = await until("a decision", () => decision(page, "hero-copy"));
  await settle();
  // The browser itself reports requests that fail; nothing else may be reported.
  assert.deepEqual(errors.filter((error) => !error.includes("ERR_CONNECTION_REFUSED")), []);
  await context.unroute("**/_sl/e");
  await page.goto(`${stack.shop}/c/home/`);
  await until("the exposure kept from before", async () => {
    return (await counts("hero-copy"))[hero.variation].users === before[hero.variation].users + 1;
  });
});

for (const width of [390, 1280]) {
  test(`no page of the shop is wider than ${width} px or reports an error`, async (t) => {
    const { context, page, errors } = await visitor(t, { viewport: { width, height: 844 } });
    await context.addCookies([{ name: "demo_city", value: "Madrid", url: stack.shop }]);
    for (const path of ["/", "/?hero-copy=1", "/c/electronics/", "/c/clothing/", "/c/home/", "/p/rain-jacket/", "/cart/", "/thanks/"]) {
      await page.goto(`${stack.shop}${path}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
    }
    assert.deepEqual(errors, []);
  });
}
