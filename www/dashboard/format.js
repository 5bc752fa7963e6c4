// Turns numbers from the API into text, with a true minus sign and the same digits in every row.
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const two = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const minus = (text) => text.replace("-", "−");
export const known = (value) => typeof value === "number" && Number.isFinite(value);

export const count = (value) => (known(value) ? whole.format(value) : "–");
export const share = (value, digits = 1) => (known(value) ? `${(value * 100).toFixed(digits)}%` : "–");

/** A lift such as 0.21 reads "+21.0%". */
export function lift(value) {
  if (!known(value)) return "–";
  const percent = value * 100;
  const text = Math.abs(percent) >= 1000 ? whole.format(percent) : percent.toFixed(1);
  return minus(`${percent > 0 ? "+" : ""}${text === "-0.0" ? "0.0" : text}%`);
}

export function pValue(value) {
  if (!known(value)) return "–";
  if (value < 0.0001) return "< 0.0001";
  return value >= 0.9995 ? "1.000" : value.toFixed(value < 0.001 ? 4 : 3);
}

export const pText = (value) => (value < 0.0001 ? `p ${pValue(value)}` : `p = ${pValue(value)}`);

function money(value, currency, digits = 2) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat("en-US", { style: "currency", currency, ...options }).format(value / 100);
  } catch {
    return new Intl.NumberFormat("en-US", options).format(value / 100);
  }
}

const isRate = ({ kind }) => kind === "proportion" || kind === "bounce";

export function mean(metric, value) {
  if (!known(value)) return "–";
  if (isRate(metric)) return share(value, 2);
  return minus(metric.format ? money(value, metric.format) : two.format(value));
}

export function total(metric, value) {
  if (!known(value)) return "–";
  if (isRate(metric)) return count(value);
  // Cents say nothing in a large sum and push the columns apart.
  return minus(metric.format ? money(value, metric.format, Math.abs(value) < 100000 ? 2 : 0) : whole.format(value));
}

/** An absolute difference; for rates it is in percentage points. */
export function difference(metric, value) {
  if (!known(value)) return "–";
  const sign = value > 0 ? "+" : "";
  if (isRate(metric)) return minus(`${sign}${(value * 100).toFixed(2)}\u00a0pp`);
  return sign + mean(metric, value);
}

export function date(value) {
  const day = value ? new Date(value) : null;
  if (!day || Number.isNaN(day.getTime())) return null;
  return day.toLocaleDateString("en-US", { month: "long", day: "numeric", year: "numeric" });
}

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds < 90 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}
