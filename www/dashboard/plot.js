// Draws lift intervals on one shared scale, and shows an end that is not bounded as an arrow, never as a number.
import { s } from "./dom.js";
import { known, lift } from "./format.js";

const NICE = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100];

const isDrawn = (analysis) => analysis.liftStatus === "bounded" || analysis.liftStatus === "unbounded";

/** One scale for all variations of a metric, with zero inside and room on both sides; null when there is nothing to draw. */
export function scaleFor(analyses) {
  const drawable = analyses.filter(isDrawn);
  if (!drawable.length) return null;
  const values = drawable.flatMap(({ ciLow, ciHigh, percentChange }) => [ciLow, ciHigh, percentChange]).filter(known);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = Math.max(high - low, 0.02);
  const step = NICE.find((size) => span / size <= 3) ?? span / 3;
  const from = Math.min(Math.floor((low - span * 0.04) / step), -1) * step;
  const to = Math.max(Math.ceil((high + span * 0.04) / step), 1) * step;
  const ticks = [];
  for (let tick = from; tick <= to + step / 2; tick += step) ticks.push(Math.abs(tick) < step / 2 ? 0 : tick);
  // Both margins leave room for an arrow and for half of an axis label.
  const x = (value) => 6 + (88 * (value - from)) / (to - from);
  return { x, ticks };
}

const at = (value) => `${value.toFixed(3)}%`;

const grid = ({ x, ticks }) =>
  ticks.map((tick) => s("line", { class: tick === 0 ? "zero" : "tick", x1: at(x(tick)), x2: at(x(tick)), y1: 0, y2: "100%" }));

const arrow = (side) =>
  s("svg", { x: side < 0 ? "0" : "100%", y: "50%", overflow: "visible" },
    s("path", { class: "arrow", d: side < 0 ? "M10 -5 L2 0 L10 5" : "M-10 -5 L-2 0 L-10 5" }));

/** The interval of one variation; screen readers get the sentence in `label`. */
export function interval(scale, analysis, label) {
  const { ciLow, ciHigh, percentChange } = analysis;
  const clear = (known(ciLow) && ciLow > 0) || (known(ciHigh) && ciHigh < 0);
  const left = known(ciLow) ? at(scale.x(ciLow)) : "4";
  const right = known(ciHigh) ? at(scale.x(ciHigh)) : "100%";
  return s("svg", { class: clear ? "plot clear" : "plot", role: "img", "aria-label": label, height: 36 },
    grid(scale),
    isDrawn(analysis) && [
      s("line", { class: "range", x1: left, x2: right, y1: "50%", y2: "50%" }),
      known(ciLow) ? s("line", { class: "end", x1: left, x2: left, y1: 12, y2: 24 }) : arrow(-1),
      known(ciHigh) ? s("line", { class: "end", x1: right, x2: right, y1: 12, y2: 24 }) : arrow(1),
      known(percentChange) && s("circle", { class: "point", cx: at(scale.x(percentChange)), cy: "50%", r: 5 }),
      !known(ciLow) && s("text", { class: "open", x: 4, y: 9 }, "unbounded"),
      !known(ciHigh) && s("text", { class: "open right", x: "100%", y: 9 }, "unbounded"),
    ]);
}

/** The axis that all intervals of a metric share. */
export const axis = (scale) =>
  s("svg", { class: "axis", "aria-hidden": "true", height: 18 },
    scale.ticks.map((tick) => s("text", { x: at(scale.x(tick)), y: 13 }, tick === 0 ? "0" : lift(tick).replace(/\.0%$/, "%"))));
