// The panel for people who test a site, at `?sl_debug`: what was decided and why, what is stored and sent, and other variations.
import { MEASUREMENT, isAgreed } from "../device.js";
import { store } from "../store.js";

const CSS = `
  :host { all: initial; }
  * { box-sizing: border-box; font: 13px/1.45 system-ui, sans-serif; }
  aside { position: fixed; inset: auto 12px 12px auto; z-index: 2147483647; width: min(440px, calc(100vw - 24px));
    max-height: min(70vh, 640px); overflow: auto; background: #fff; color: #1d2330; border: 1px solid #c9ced8; border-radius: 10px;
    box-shadow: 0 8px 30px #0003; }
  header { position: sticky; top: 0; display: flex; gap: 8px; align-items: center; padding: 8px 12px; background: #1d2330; color: #fff; }
  header b { flex: 1; font-weight: 600; }
  button, select { border: 1px solid #8a93a5; border-radius: 6px; background: #fff; color: #1d2330; padding: 4px 8px; max-width: 100%; }
  button:focus-visible, select:focus-visible, summary:focus-visible { outline: 2px solid #1f6feb; outline-offset: 1px; }
  section { padding: 8px 12px; border-top: 1px solid #e4e7ec; }
  section > h2 { margin: 0 0 4px; font-weight: 600; }
  details { border-top: 1px solid #eef0f4; padding: 4px 0; }
  summary { cursor: pointer; overflow-wrap: anywhere; }
  summary i, dd { color: #566074; font-style: normal; }
  summary .on { color: #0b6b33; font-weight: 600; }
  ul { margin: 4px 0; padding-left: 18px; overflow-wrap: anywhere; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 10px; margin: 0; overflow-wrap: anywhere; }
  dt { color: #566074; } dd { margin: 0; color: inherit; }
  pre { margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.4 ui-monospace, monospace; }`;

const OPEN = /^(assigned|sticky|forced)$/;

/** An element with attributes and children; texts stay texts. */
const el = (name, attributes = {}, ...children) => {
  const element = Object.assign(document.createElement(name), attributes);
  element.append(...children.filter((child) => child !== undefined));
  return element;
};

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const looked = ({ gate, open, when, ...rest }) => {
  const mark = { true: "open", false: "closed" }[open] ?? open;
  const more = Object.entries(rest).map(([name, value]) => `${name} ${text(value)}`).join(", ");
  return el("li", {}, `${gate}: ${mark}${more && ` (${more})`}`, when && tree(when));
};

const tree = ({ holds, parts = [], ...rest }) => {
  const said = Object.entries(rest).map(([name, value]) => `${name} ${text(value)}`).join(", ");
  return el("ul", {}, el("li", {}, `${said}: ${holds === true ? "holds" : holds === false ? "does not hold" : holds}`, ...parts.map(tree)));
};

// The page loads again with the variation asked for, or without; what is forced does not count.
const force = (key, variation) => {
  const url = new URL(location.href);
  if (variation) url.searchParams.set(key, variation);
  else url.searchParams.delete(key);
  location.assign(url);
};

const item = (decision, explained) => {
  const { key, kind, variation, reason, applied } = decision;
  const inForce = OPEN.test(reason);
  const now = new URL(location.href).searchParams.get(key) ?? "";
  const choice = el("select", { ariaLabel: `Variation of ${key}`, onchange: () => force(key, choice.value) },
    ...["", ...(explained?.variations ?? [])].map((name) =>
      el("option", { value: name, selected: name === now }, name || "as decided")));
  return el("details", {},
    el("summary", {}, `${key} `, el("i", { className: inForce ? "on" : "" }, inForce ? `${variation}` : reason),
      el("i", {}, ` ${kind}${inForce ? `, ${reason}${applied ? ", applied" : ", not applied yet"}` : ""}`)),
    explained ? el("ul", {}, ...explained.gates.map(looked)) : el("p", {}, "The gates could not be loaded."),
    kind === "experiment" && explained ? choice : undefined);
};

// Events are kept on the device with consent only.
const waiting = async (device) => (isAgreed(device.consent, MEASUREMENT) ? (await store.all())?.length : 0);

const list = (pairs) => el("dl", {}, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, text(value) ?? "none")]));

export default (page) => {
  const [api, options, base, site, , device, , , , facts] = page;
  const host = el("splitlight-panel");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  let drawing = 0;

  const draw = async () => {
    const turn = ++drawing;
    const decisions = api.decisions();
    const [explained, history, queue] = await Promise.all([api.explain(), api.history.export(), waiting(device)]);
    // A newer one is on its way.
    if (turn !== drawing) return;
    const why = new Map((explained?.items ?? []).map((it) => [it.key, it]));
    const open = new Set([...root.querySelectorAll("details[open]")].map(({ dataset }) => dataset.key));
    const items = decisions.map((decision) => {
      const details = item(decision, why.get(decision.key));
      details.dataset.key = decision.key;
      details.open = open.has(decision.key);
      return details;
    });
    const { attributes, userAgent, ...said } = facts();
    const features = (explained?.features ?? []).map(({ key, value, reason }) => [key, `${text(value)} (${reason})`]);
    const aside = el("aside", { role: "complementary", ariaLabel: "Splitlight" },
      el("header", {}, el("b", {}, "Splitlight"), el("button", { onclick: draw }, "Refresh"),
        el("button", { onclick: close }, "Close")),
      el("section", {}, el("h2", {}, `Decisions (${items.length})`), ...items),
      features.length ? el("section", {}, el("h2", {}, "Features"), list(features)) : undefined,
      el("section", {}, el("h2", {}, "Visitor"), list([["id", api.visitorId()], ["user", said.user], ["consent", device.consent],
        ["address", said.url], ["attributes", attributes]])),
      el("section", {}, el("h2", {}, "Events"), list([["waiting to be sent", queue], ["to", `${base}/e`], ["config", site.config]])),
      el("section", {}, el("h2", {}, "History on this device"), el("pre", {}, JSON.stringify(history, null, 1) ?? "none")),
      "key" in options ? undefined : el("section", {}, "There is no write key: set data-key."));
    root.replaceChildren(aside);
  };
  const stop = api.onChange(() => draw());
  const close = () => {
    stop();
    host.remove();
  };
  const show = () => document.body.append(host);
  if (document.body) show();
  else addEventListener("DOMContentLoaded", show);
  // What was applied and sent comes a moment later.
  setTimeout(draw, 1000);
  return draw();
};
