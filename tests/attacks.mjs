// What attackers send: collections of it, where a folder of them is at hand (`SPLITLIGHT_ATTACKS`).
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export const folder = process.env.SPLITLIGHT_ATTACKS;

const within = (path) => (statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => within(join(path, name))) : [path]);
// Lists of `{ "p": ... }`, and texts with one in each line.
const read = (file) => {
  const text = readFileSync(file, "utf8");
  return file.endsWith(".json") ? JSON.parse(text).map(({ p }) => p) : text.split("\n").filter(Boolean);
};

/** Everything in the files of a kind. */
const collected = (kind) => (folder ? within(folder).filter((file) => kind.test(file)).flatMap(read) : []);

/** Markup of which somebody has seen that plain innerHTML runs it. */
export const confirmed = collected(/xss-confirmed.*json$/);

/** Markup that somebody has tried. */
export const markup = [...new Set([...confirmed, ...collected(/(xss.*|H5SC\/vectors)\.txt$/i)])];
