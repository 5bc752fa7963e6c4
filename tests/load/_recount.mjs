// Exported events counted from the definition, a second time and in another language: by visitor, over the whole log.
import { assignWeighted } from "./visitors.mjs";

const DAY = 86_400_000;

/** Counts lines of `GET /v1/events` by a config whose metrics have windows in days and no conditions. */
export async function recount(config, lines) {
  const visitors = new Map();
  const counts = { events: 0, quarantined: 0, experiments: {} };
  const wrong = Object.fromEntries(config.experiments.map(({ key }) => [key, 0]));
  for await (const line of lines) {
    counts.events += 1;
    let known = visitors.get(line.visitor);
    if (!known) visitors.set(line.visitor, (known = { met: {}, conversions: [] }));
    if (line.kind === "conversion") known.conversions.push([line.time, line.name, line.value ?? 0]);
    if (line.kind !== "exposure") continue;
    const { variations } = config.experiments.find(({ key }) => key === line.experiment);
    const valid = assignWeighted(line.experiment, line.visitor, variations) === line.variation;
    if (valid !== line.valid) throw new Error(`the hash says ${valid} of ${JSON.stringify(line)}`);
    if (valid) {
      const times = (known.met[line.experiment] ??= {});
      times[line.variation] = Math.min(times[line.variation] ?? Infinity, line.time);
    } else [counts.quarantined, wrong[line.experiment]] = [counts.quarantined + 1, wrong[line.experiment] + 1];
  }
  counts.visitors = visitors.size;
  for (const { key, variations, metrics } of config.experiments) {
    const used = config.metrics.filter((metric) => [metrics.primary, ...metrics.secondary].includes(metric.key));
    const empty = () => Object.fromEntries(used.map((metric) => [metric.key, { sum: 0, squares: 0 }]));
    const found = { quarantined: wrong[key], multiple: 0, variations: variations.map(() => ({ users: 0, metrics: empty() })) };
    for (const { met, conversions } of visitors.values()) {
      const times = Object.entries(met[key] ?? {});
      if (times.length > 1) found.multiple += 1;
      if (times.length !== 1) continue;
      const [variation, first] = times[0];
      const here = found.variations[variations.findIndex((one) => one.key === variation)];
      here.users += 1;
      for (const metric of used) {
        const until = first + Number.parseInt(metric.window, 10) * DAY;
        const fed = conversions.filter(([time, name]) => name === metric.event && first <= time && time < until);
        const total = metric.kind === "proportion" ? Math.min(1, fed.length) : fed.reduce((sum, [, , value]) => sum + (metric.value ? value : 1), 0);
        here.metrics[metric.key].sum += total;
        here.metrics[metric.key].squares += total * total;
      }
    }
    counts.experiments[key] = found;
  }
  return counts;
}
