// Builds the demo bar, which shows what Splitlight decided on this page and lets you play another visitor.
const CITIES = ["Madrid", "Barcelona", "Paris"];
const meta = document.querySelector('meta[name="splitlight-dashboard"]')?.content ?? "";
// A server that does not fill the placeholder in is most likely `cargo xtask dev` on its usual ports.
const dashboard = meta && !meta.startsWith("{{") ? meta : `http://${location.hostname}:8788/`;
const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

// Storage can be blocked, and the bar then only forgets its own state.
const memory = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* nothing to keep */ } },
};

function element(tag, props = {}, ...children) {
  const { data, attributes, ...rest } = props;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function setCity(city) {
  document.cookie = city ? `demo_city=${city}; Path=/; SameSite=Lax` : "demo_city=; Path=/; Max-Age=0";
  location.reload();
}

function deleteDatabase() {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.deleteDatabase("splitlight");
      request.onsuccess = request.onerror = request.onblocked = resolve;
    } catch {
      resolve();
    }
  });
}

async function newVisitor() {
  for (const pair of document.cookie.split("; ")) {
    const name = pair.split("=")[0];
    if (name.startsWith("sl_")) document.cookie = `${name}=; Path=/; Max-Age=0`;
  }
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("sl.") || key.startsWith("shop.")) localStorage.removeItem(key);
    }
  } catch { /* storage is blocked, so there is nothing to clear */ }
  await deleteDatabase();
  location.reload();
}

async function setConsent(allowed) {
  const choice = allowed ? "granted" : "denied";
  memory.set("shop.consent", choice);
  await window.splitlight?.consent(choice);
  location.reload();
}

const decided = (decision) => decision.variation ?? (decision.applied ? "shown" : "not shown");

function decisionRows(decisions) {
  return decisions.map((decision) =>
    element("tr", { className: decision.applied ? "on" : "" },
      element("th", { scope: "row" },
        decision.kind === "experiment"
          ? element("a", { href: `${dashboard}#/experiments/${encodeURIComponent(decision.key)}`, textContent: decision.key })
          : decision.key),
      element("td", { textContent: decision.kind }),
      element("td", { textContent: decided(decision) }),
      element("td", { textContent: decision.reason ?? "" }),
      element("td", { textContent: decision.applied ? "applied" : "not applied" })));
}

function build() {
  const toggle = element("button", { type: "button", className: "demo-toggle", attributes: { "aria-controls": "demo-panel" } });
  const label = element("span", { className: "demo-count" });
  toggle.append(element("span", { className: "demo-mark", ariaHidden: "true" }), element("strong", { textContent: "Splitlight" }), label);
  const chips = element("ul", { className: "demo-chips", attributes: { "aria-label": "Decisions on this page" } });
  const city = element("select", { onchange: () => setCity(city.value) },
    element("option", { value: "", textContent: "none" }),
    ...CITIES.map((name) => element("option", { value: name, textContent: name })));
  city.value = CITIES.includes(cookie("demo_city")) ? cookie("demo_city") : "";

  const body = element("tbody");
  const table = element("table", {},
    element("thead", {}, element("tr", {}, ...["Rule", "Kind", "Variation", "Reason", "On this page"].map((text) => element("th", { scope: "col", textContent: text })))),
    body);
  const note = element("p", { className: "demo-note" });
  const visitor = element("code");
  const consent = element("input", { type: "checkbox", checked: memory.get("shop.consent") !== "denied", onchange: () => setConsent(consent.checked) });
  const panel = element("div", { id: "demo-panel", className: "demo-panel" },
    note,
    element("div", { className: "demo-table" }, table),
    element("div", { className: "demo-actions" },
      element("span", { className: "demo-visitor" }, "Visitor ", visitor),
      element("label", {}, consent, " Consent to personalization"),
      element("button", { type: "button", textContent: "New visitor", onclick: newVisitor }),
      element("a", { href: dashboard, textContent: "Open the dashboard" })));

  const bar = element("aside", { id: "demo-bar", attributes: { "aria-label": "Splitlight demo bar" } },
    element("div", { className: "demo-strip" }, toggle, chips, element("label", { className: "demo-city" }, "City ", city)),
    panel);

  const open = (value) => {
    panel.hidden = !value;
    toggle.setAttribute("aria-expanded", String(value));
    memory.set("demo.open", value ? "1" : "0");
  };
  toggle.addEventListener("click", () => open(panel.hidden));
  open(memory.get("demo.open") === "1");

  let shown;
  const refresh = () => {
    const api = window.splitlight;
    const decisions = api?.decisions() ?? [];
    const id = api?.visitorId() ?? "none";
    const state = JSON.stringify([Boolean(api), id, decisions]);
    if (state === shown) return;
    shown = state;
    const applied = decisions.filter((decision) => decision.applied);
    label.textContent = api ? `${applied.length}/${decisions.length} applied` : "not loaded";
    note.textContent = api ? "No rule looks at this page." : "Splitlight is not loaded, and the shop works without it.";
    note.hidden = decisions.length > 0;
    table.hidden = decisions.length === 0;
    visitor.textContent = id;
    visitor.title = id;
    body.replaceChildren(...decisionRows(decisions));
    chips.replaceChildren(...applied.map((decision) =>
      element("li", {}, decision.key, ...(decision.kind === "experiment" ? [" ", element("b", { textContent: decided(decision) })] : []))));
  };
  refresh();
  // Decisions can change after loading (attributes, consent), and looking once a second is cheap and simple.
  setInterval(refresh, 1000);
  return bar;
}

document.body.append(build());
