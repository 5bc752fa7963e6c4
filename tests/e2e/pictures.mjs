// Takes the pictures of the README, and of every page at two widths, from a running `cargo xtask dev`.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const [folder = "target/pictures", docs] = process.argv.slice(2);
const stack = JSON.parse(process.env.SPLITLIGHT_STACK);
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.SPLITLIGHT_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

/** One visitor at one width, who takes pictures. */
async function at(width, act, options = {}) {
  const context = await browser.newContext({ userAgent, viewport: { width, height: 900 }, ...options });
  const page = await context.newPage();
  const picture = (name, more) => page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true, ...more });
  await act(page, picture, context);
  await context.close();
}

for (const width of [390, 1280]) {
  await at(width, async (page, picture, context) => {
    await page.goto(`${stack.shop}/?hero-copy=0`);
    await picture("shop-default");
    await page.goto(`${stack.shop}/?hero-copy=1`);
    await picture("shop-variation");
    await context.addCookies([{ name: "demo_city", value: "Madrid", url: stack.shop }]);
    await page.goto(`${stack.shop}/?hero-copy=0`);
    await picture("shop-madrid");
    for (let visit = 0; visit < 3; visit += 1) await page.goto(`${stack.shop}/c/electronics/`);
    await picture("shop-category");
    await page.goto(`${stack.shop}/p/linen-shirt/`);
    await page.click("[data-add]");
    await picture("shop-product");
    await page.goto(`${stack.shop}/cart/`);
    await picture("shop-cart");
    await page.click("#buy");
    await page.waitForSelector("#order:not([hidden])");
    await picture("shop-thanks");
    await page.goto(`${stack.shop}/`);
    await page.waitForSelector("#banner :text('Because you like')");
    await page.click(".demo-toggle");
    await picture("shop-all-rules");
    if (docs && width === 1280) await page.screenshot({ path: resolve(docs, "shop.png") });
  });
  for (const colorScheme of ["light", "dark"]) {
    await at(width, async (page, picture) => {
      await page.goto(`${stack.api}/#key=${stack.readKey}`);
      await page.waitForSelector("text=Purchase rate");
      await picture(`results-${colorScheme}`);
      if (docs && width === 1280 && colorScheme === "light") await page.screenshot({ path: resolve(docs, "results.png") });
    }, { colorScheme });
  }
  await at(width, async (page, picture) => {
    await page.goto(`${stack.api}/`);
    await picture("results-locked");
  });
}
await browser.close();
