// In a page: fallbacks until the program is there, and on the server that renders the page first.
import { splitlight, type Decision } from "splitlight";

const { ok, source, error } = await splitlight.init({ key: "sl_write_x", api: "https://worker.example/_sl" });
if (!ok) console.info("Splitlight is off:", source, error);

const headline: string = splitlight.variation("hero-copy", "control");
const checkout = splitlight.feature<"classic" | "one-page">("checkout", "classic");
const banner = splitlight.content<{ title: string } | null>("home.banner", null);
splitlight.track("purchase", { value: 4900, category: "Clothing" });
splitlight.track("count", 3);
splitlight.identify("user-7");
splitlight.setAttributes({ plan: "pro" });
splitlight.consent("granted");
const stop = splitlight.onChange((decisions: Decision[]) => console.log(decisions.length));
stop();
const why = await splitlight.explain("hero-copy");
const closed = why?.gates.find(({ open }) => open !== true)?.gate;
const history = await splitlight.history.export();
console.log(headline, checkout, banner?.title, closed, history?.events.length, splitlight.isOn("new-search"));

// @ts-expect-error: the write key is missing.
void splitlight.init({ api: "/_sl" });
// @ts-expect-error: an answer is granted or denied.
splitlight.consent("maybe");
