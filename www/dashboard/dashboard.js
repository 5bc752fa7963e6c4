// Shows the list of experiments and the results of the chosen one, and keeps both fresh by polling.
import { ApiError, forget, get } from "./api.js";
import { h, morph } from "./dom.js";
import * as format from "./format.js";
import { axis, interval, scaleFor } from "./plot.js";

const POLL = 2000;
const RETRY = 5000;
const KEY = "splitlight.readKey";
const VERDICTS = { ship: "Ship", stop: "Stop", continue: "Keep running", inconclusive: "Inconclusive" };
const SRM = { ok: "OK", mismatch: "mismatch", insufficient: "not enough data" };
const FOOTNOTE = {
  "always-valid": "Intervals and p-values are always-valid: they hold however often you look. The smaller \u201cfixed\u201d p-value is the classic fixed-horizon one, which holds only if you look once, at the planned end.",
  welch: "Intervals and p-values are fixed-horizon: they hold only if you look once, at the planned end. The smaller \u201cvalid\u201d p-value is always-valid and holds however often you look.",
};
/** What a metric's total and its mean are called, by its kind. */
const WORDS = { proportion: ["Conversions", "Rate"], bounce: ["Bounces", "Rate"], ratio: ["Total", "Ratio"], quantile: ["Total", "Quantile"] };
const words = ({ kind }) => WORDS[kind] ?? ["Total", "Mean"];
const DIMENSIONS = { country: "country", device: "device", browser: "browser", source: "source", visitor: "new or returning" };
const ROLES = { primary: "Primary metric", secondary: "Secondary metric", guardrail: "Guardrail" };

const el = Object.fromEntries(["freshness", "forget", "problem", "alerts", "unlock", "key", "board", "list", "detail", "live", "skip"].map((id) => [id, document.getElementById(id)]));
const state = { key: null, list: null, alerts: [], results: null, dimension: "", wrong: null, fetched: 0, verdicts: new Map(), timer: 0, turn: 0 };

const storage = {
  get: () => { try { return sessionStorage.getItem(KEY); } catch { return null; } },
  set: (value) => { try { value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY); } catch { /* the key then lives only in this page */ } },
};

function route() {
  const match = /^#\/experiments\/(.+)$/.exec(location.hash);
  try {
    return match && decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

const chosen = () => route() ?? state.list?.experiments[0]?.key ?? null;
const link = (key) => `#/experiments/${encodeURIComponent(key)}`;

// ---- Parts

const verdictLabel = (verdict) =>
  verdict.kind === "ship" && verdict.variation ? `Ship ${verdict.variation}` : VERDICTS[verdict.kind] ?? verdict.kind;

const verdictBadge = (verdict, label = VERDICTS[verdict.kind] ?? verdict.kind) => h("span", { class: `badge ${verdict.kind}` }, label);

function srmBadge(status, p, label = SRM[status] ?? status) {
  const title = format.known(p) ? `Sample ratio mismatch check, ${format.pText(p)}` : "Sample ratio mismatch check";
  return h("span", { class: `badge srm-${status}`, title }, `SRM ${label}`);
}

function listItem(item) {
  const primary = item.primary;
  return h("li", {},
    h("a", { href: link(item.key), "aria-current": item.key === chosen() && "page" },
      h("span", { class: "row" }, h("strong", {}, item.name), h("span", { class: "lift" }, primary ? format.lift(primary.percentChange) : "–")),
      h("span", { class: "state quiet" }, `${item.status}, ${format.count(item.users)} visitors`),
      h("span", { class: "badges" }, verdictBadge(item.verdict), srmBadge(item.srm.status, item.srm.pValue, item.srm.status === "insufficient" ? "too early" : undefined))));
}

function range(low, high, text) {
  if (!format.known(low) && !format.known(high)) return "unbounded on both sides";
  return `${format.known(low) ? text(low) : "unbounded"} to ${format.known(high) ? text(high) : "unbounded"}`;
}

/** The words next to an interval: what is known, and what to read instead when a relative lift is not. */
function liftCell(metric, analysis) {
  const { liftStatus, percentChange, ciLow, ciHigh } = analysis;
  if (liftStatus === "control") return { text: "Baseline", notes: [] };
  if (liftStatus === "insufficient") return { text: "–", notes: ["Not enough data yet"] };
  const absolute = format.known(analysis.difference)
    ? [`Difference ${format.difference(metric, analysis.difference)}`, range(analysis.differenceLow, analysis.differenceHigh, (value) => format.difference(metric, value))]
    : [];
  if (liftStatus === "undefined") return { text: "–", notes: ["No relative lift: the baseline is zero", ...absolute] };
  const notes = [range(ciLow, ciHigh, format.lift)];
  return { text: format.lift(percentChange), notes: liftStatus === "unbounded" ? [...notes, ...absolute] : notes };
}

function direction(metric, { ciLow, ciHigh }) {
  const up = format.known(ciLow) && ciLow > 0;
  const down = format.known(ciHigh) && ciHigh < 0;
  if (!up && !down) return null;
  return up === (metric.direction !== "decrease") ? "better" : "worse";
}

function metricRow(metric, variation, main, fixed, scale, level) {
  const cell = liftCell(metric, main);
  const effect = main.liftStatus === "control" ? null : direction(metric, main);
  const spoken = `${variation.variationName}: lift ${cell.text}, ${level} interval ${cell.notes.join(", ")}`;
  return h("tr", { role: "row", class: main.liftStatus === "control" ? "control" : null },
    h("th", { role: "rowheader", scope: "row" }, variation.variationName),
    h("td", { role: "cell", "data-label": "Visitors" }, format.count(variation.users)),
    h("td", { role: "cell", "data-label": words(metric)[0] }, format.total(metric, main.numerator)),
    h("td", { role: "cell", "data-label": words(metric)[1] }, format.mean(metric, main.mean)),
    h("td", { role: "cell", class: "lift-cell", colspan: scale ? null : 2, "data-label": `Lift, ${level} interval` },
      h("span", { class: "lift-text" }, h("span", { class: main.liftStatus === "control" ? "quiet" : "lift" }, cell.text), effect && h("span", { class: `effect ${effect}` }, effect)),
      cell.notes.map((note) => h("small", {}, note))),
    scale && h("td", { role: "cell", class: "plot-cell" }, interval(scale, main, spoken)),
    h("td", { role: "cell", class: "p-cell", "data-label": "p-value" },
      h("span", {}, format.pValue(main.pValue)),
      fixed && format.known(fixed.pValue) && h("small", {}, `${fixed.method === "always-valid" ? "valid" : "fixed"} ${format.pValue(fixed.pValue)}`)));
}

function metricCard(metric, settings, part = "") {
  const level = `${Math.round((settings.confidence ?? 0.95) * 1000) / 10}%`;
  const of = (variation, method) => variation.analyses.find((analysis) => analysis.method === method);
  const main = (variation) => of(variation, settings.method) ?? variation.analyses[0];
  const fixed = (variation) => variation.analyses.find((analysis) => analysis !== main(variation));
  const scale = scaleFor(metric.variations.map(main));
  const id = `metric-${part}${metric.metricId}`;
  const [numerator, middle] = words(metric);
  const head = (text, cls) => h("th", { role: "columnheader", scope: "col", class: cls }, text);
  return h("section", { class: "metric", "aria-labelledby": id },
    h("header", {},
      h("h3", { id }, metric.metricName),
      h("p", { class: "quiet" }, `${ROLES[metric.role] ?? metric.role} · ${metric.direction === "decrease" ? "lower" : "higher"} is better`)),
    h("table", { role: "table", "aria-labelledby": id },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
        head("Variation"), head("Visitors"), head(numerator), head(middle), head("Lift", "lift-cell"), head(`${level} interval`, "plot-cell"), head("p-value"))),
      h("tbody", { role: "rowgroup" },
        metric.variations.map((variation) => metricRow(metric, variation, main(variation), fixed(variation), scale, level))),
      scale && h("tfoot", { "aria-hidden": "true" }, h("tr", {}, h("td", { colspan: 5 }), h("td", { class: "plot-cell" }, axis(scale)), h("td", {})))));
}

/** Segments get their width after drawing, through the style object, which a strict content policy allows. */
function splitBar(variations, total) {
  return h("div", { class: "split" },
    h("div", { class: "bar", "aria-hidden": "true" }, variations.map(({ users }) => h("i", { "data-grow": (total ? users / total : 1 / variations.length).toFixed(3) }))),
    h("ul", {}, variations.map((variation) =>
      h("li", {}, h("strong", {}, variation.name ?? variation.key),
        h("span", {}, `${format.count(variation.users)} visitors`),
        h("span", { class: "quiet" }, `${total ? format.share(variation.users / total) : "–"}, planned ${format.share(variation.weight)}`)))));
}

function fact(label, value, note) {
  return h("div", {}, h("dt", {}, label), h("dd", {}, value, note && h("small", {}, note)));
}

function srmNote(status, p) {
  const text = { ok: "The traffic split matches the weights", mismatch: "Do not trust the results until you know why", insufficient: "The check needs more visitors" }[status] ?? "";
  return format.known(p) ? `${format.pText(p)}. ${text}.` : `${text}.`;
}

function settingsLine({ settings, status, dateStart, dateEnd }) {
  const method = settings.method === "always-valid" ? "always-valid, look as often as you like" : settings.method;
  return [
    status,
    format.date(dateStart) && `since ${format.date(dateStart)}`,
    format.date(dateEnd) && `until ${format.date(dateEnd)}`,
    `${Math.round(settings.confidence * 1000) / 10}% confidence (${method})`,
    settings.sampleSize && `planned for ${format.count(settings.sampleSize)} visitors`,
  ].filter(Boolean).join(" · ");
}

/** The results of those of whom one thing was known, each with a heading. */
function slices({ results, settings }) {
  return results.filter(({ dimension }) => dimension !== "").map(({ dimension, totalUsers, checks, metrics }) =>
    h("section", { class: "slice", "aria-label": dimension },
      h("header", { class: "row" }, h("h2", {}, dimension),
        h("span", { class: "quiet" }, `${format.count(totalUsers)} visitors${format.known(checks.srm) ? `, split ${format.pText(checks.srm)}` : ""}`)),
      metrics.map((metric) => metricCard(metric, settings, `${dimension}-`))));
}

function dimensionPicker({ settings }) {
  if (!settings.dimensions.length) return null;
  const option = (value, text) => h("option", { value, selected: value === state.dimension }, text);
  return h("p", { class: "picker" }, h("label", { for: "dimension" }, "Break down by "),
    h("select", { id: "dimension" }, option("", "nothing"), settings.dimensions.map((value) => option(value, DIMENSIONS[value] ?? value))));
}

function alertList(alerts) {
  return h("ul", {}, alerts.map(({ severity, message, action, experiment }) =>
    h("li", { class: severity }, h("strong", {}, severity), " ", experiment && h("a", { href: link(experiment) }, experiment), experiment && ": ", message, " ", h("span", {}, action))));
}

/** What came in and is in no result. */
function aside({ bots, dropped, quarantined }) {
  const parts = [[bots, "events of bots"], [dropped, "lost in browsers"], [quarantined, "refused exposures"]];
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${format.count(count)} ${what}`);
  return told.length ? h("p", { class: "aside quiet" }, `Not in the results: ${told.join(", ")}.`) : null;
}

function detailView(results) {
  const { checks, verdict } = results;
  const metrics = (results.results.find((part) => part.dimension === "") ?? results.results[0])?.metrics ?? [];
  return [
    h("a", { class: "back", href: "#/" }, "All experiments"),
    h("header", { class: "head" },
      h("h1", {}, results.name, " ", h("code", {}, results.experimentId)),
      h("p", { class: "quiet" }, settingsLine(results))),
    h("section", { class: `verdict ${verdict.kind}`, "aria-label": "Verdict" },
      verdictBadge(verdict, verdictLabel(verdict)), h("p", {}, verdict.reason)),
    h("section", { class: "health", "aria-label": "Traffic" },
      splitBar(results.variations, results.totalUsers),
      h("dl", {},
        fact("Visitors", format.count(results.totalUsers)),
        fact("Split check", srmBadge(checks.srmStatus, checks.srm), srmNote(checks.srmStatus, checks.srm)),
        fact("Excluded", format.count(checks.multipleExposures), "saw more than one variation"),
        fact("Quarantined", format.count(checks.quarantined), "set aside as invalid"))),
    metrics.map((metric) => metricCard(metric, results.settings)),
    dimensionPicker(results),
    slices(results),
    h("p", { class: "footnote" }, metrics.length ? FOOTNOTE[results.settings.method] ?? "" : "No metric has data yet."),
  ];
}

const emptyView = () =>
  h("section", { class: "empty" },
    h("h1", {}, "No experiments yet"),
    h("p", {}, "Publish a config with at least one experiment, and it appears here as soon as its first visitor arrives."));

// ---- Drawing

const draw = (target, ...content) => morph(target, h("div", {}, ...content));

function busy(value) {
  if (el.detail.getAttribute("aria-busy") !== String(value)) el.detail.setAttribute("aria-busy", String(value));
}

function announce(results) {
  const text = `${results.name}: ${verdictLabel(results.verdict)}. ${results.verdict.reason}`;
  const before = state.verdicts.get(results.experimentId);
  state.verdicts.set(results.experimentId, text);
  if (before && before !== text) el.live.textContent = `Verdict changed. ${text}`;
}

function render() {
  const open = state.key !== null;
  el.unlock.hidden = open;
  el.forget.hidden = !open;
  el.board.hidden = !open || !state.list;
  document.body.classList.toggle("chosen", route() !== null);
  el.board.classList.toggle("none", !state.list?.experiments.length);
  el.alerts.hidden = !open || !state.alerts.length;
  draw(el.alerts, alertList(state.alerts));
  if (!open || !state.list) return;
  const { experiments } = state.list;
  const key = chosen();
  if (!experiments.length) {
    busy(false);
    draw(el.list);
    draw(el.detail, emptyView());
    return;
  }
  // Until the chosen experiment is read, the one still on screen is dimmed so that nobody mistakes one for the other.
  busy(state.wrong !== key && state.results?.experimentId !== key);
  draw(el.list, h("div", { class: "row" }, h("h2", {}, "Experiments"), h("span", { class: "quiet" }, "Primary lift")), h("ul", {}, experiments.map(listItem)), aside(state.list.intake));
  if (state.wrong === key) {
    draw(el.detail, h("section", { class: "empty" }, h("h1", {}, "No such experiment"),
      h("p", {}, `The published config has no experiment with the key "${key}". `, h("a", { href: link(experiments[0].key) }, `Open ${experiments[0].name}`), ".")));
  } else if (state.results?.experimentId === key) {
    draw(el.detail, detailView(state.results));
    for (const part of el.detail.querySelectorAll("[data-grow]")) {
      if (part.style.flexGrow !== part.dataset.grow) part.style.flexGrow = part.dataset.grow;
    }
    document.title = `${state.results.name} · Splitlight`;
  }
}

function renderFreshness() {
  const fresh = state.key !== null && state.fetched > 0;
  el.freshness.classList.toggle("stale", !el.problem.hidden);
  el.freshness.textContent = fresh ? `Updated ${format.ago(Date.now() - state.fetched)}` : "";
  const newest = state.list?.dateUpdated && new Date(state.list.dateUpdated);
  el.freshness.title = fresh && newest ? `Newest data: ${newest.toLocaleString("en-US")}` : "";
}

function complain(text) {
  if (el.problem.textContent !== text) el.problem.textContent = text;
  el.problem.hidden = !text;
}

// ---- Polling

function refuse({ status, message }) {
  setKey(null);
  const hint = status === 403 ? "This key cannot read results: use a read key, not a write key." : "This key was not accepted: check that it is a read key of this project.";
  complain(`${hint} (${status}: ${message.replace(/\.$/, "")})`);
  el.key.focus();
}

function explain({ status, message }) {
  const what = message.replace(/\.$/, "");
  const todo = status === 0 ? "Check that the Splitlight server is running" : "See the server log for the cause";
  return `${what}. ${todo}; trying again every ${RETRY / 1000} s.`;
}

async function poll() {
  clearTimeout(state.timer);
  if (state.key === null) return;
  const turn = ++state.turn;
  let wait = POLL;
  try {
    const [list, alerts] = await Promise.all([get("/experiments", state.key), get("/alerts?state=firing", state.key)]);
    if (turn !== state.turn) return;
    state.list = list.data;
    state.alerts = alerts.data.alerts;
    const key = chosen();
    if (key) {
      try {
        const by = state.dimension && `?dimension=${state.dimension}`;
        const results = await get(`/experiments/${encodeURIComponent(key)}/results${by}`, state.key);
        if (turn !== state.turn) return;
        state.results = results.data;
        state.wrong = null;
        announce(results.data);
      } catch (error) {
        if (turn !== state.turn) return;
        if (error.status !== 404) throw error;
        state.wrong = key;
      }
    }
    state.fetched = Date.now();
    complain("");
    render();
  } catch (error) {
    if (turn !== state.turn) return;
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401 || error.status === 403) return refuse(error);
    complain(explain(error));
    wait = RETRY;
  } finally {
    if (turn === state.turn) {
      renderFreshness();
      if (state.key !== null && !document.hidden) state.timer = setTimeout(poll, wait);
    }
  }
}

function setKey(key) {
  // A new turn makes answers to requests with the old key count for nothing.
  state.turn += 1;
  clearTimeout(state.timer);
  Object.assign(state, { key, list: null, alerts: [], results: null, dimension: "", wrong: null, fetched: 0 });
  state.verdicts.clear();
  forget();
  storage.set(key);
  complain("");
  render();
  renderFreshness();
}

/** A key in the address is taken once and removed, so that it is not shared with the link. */
function takeKeyFromAddress() {
  const match = /^#key=([^&]+)/.exec(location.hash);
  if (!match) return false;
  history.replaceState(null, "", location.pathname + location.search + "#/");
  try {
    setKey(decodeURIComponent(match[1]));
  } catch {
    setKey(match[1]);
  }
  return true;
}

el.unlock.addEventListener("submit", (event) => {
  event.preventDefault();
  const key = el.key.value.trim();
  if (!key) return;
  el.key.value = "";
  setKey(key);
  poll();
});

el.forget.addEventListener("click", () => {
  setKey(null);
  el.key.focus();
});

el.detail.addEventListener("change", ({ target }) => {
  if (target.id !== "dimension") return;
  state.dimension = target.value;
  poll();
});

el.skip.addEventListener("click", (event) => {
  event.preventDefault();
  el.detail.focus();
});

addEventListener("hashchange", () => {
  takeKeyFromAddress();
  render();
  scrollTo(0, 0);
  poll();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll();
});

if (!takeKeyFromAddress()) setKey(storage.get());
setInterval(renderFreshness, 1000);
poll();
