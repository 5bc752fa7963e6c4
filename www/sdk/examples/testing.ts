// In a site's own tests: the program as it was published, a clock and a place that stand still.
import { createTest } from "splitlight/testing";
import type { Site } from "splitlight";

export function shopTest(site: Site): void {
  const sl = createTest({ site, now: "2026-11-02T10:00:00Z", geo: { city: "Madrid" } });
  sl.forceVariation("hero-copy", "recommended");
  if (sl.variation("hero-copy") !== "recommended") throw new Error("the headline is another one");
  sl.forceVariation("hero-copy", null);
  sl.track("view_category", { category: "Electronics" });
  sl.advance(86_400_000);
  sl.visit("/cart");
  const names = sl.events.map((event) => (event.kind === "exposure" ? event.experiment : event.name));
  if (!names.includes("view_category")) throw new Error("the event was not recorded");
}
