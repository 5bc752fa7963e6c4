// Synthetic visitors: a seeded random source, ids, and the public hash written a second time to check the first.

/** A seeded source of numbers in [0, 1) (mulberry32), so that a failing run can be repeated. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A UUID of version 4 from a source of numbers. */
export function uuidFrom(draw) {
  const hex = Array.from({ length: 32 }, () => Math.floor(draw() * 16).toString(16));
  hex[12] = "4";
  hex[16] = "89ab"[Math.floor(draw() * 4)];
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function fnv32a(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** A visitor's place in [0, 1) for a seed, by version 2 of the public contract. */
export function place(seed, id) {
  return (fnv32a(String(fnv32a(seed + id))) % 10_000) / 10_000;
}

/** The variation of an evenly weighted experiment. */
export function assign(seed, id, variations) {
  return variations[Math.floor(place(seed, id) * variations.length)];
}

/** The variation of an experiment by its weights; without any they are even. */
export function assignWeighted(seed, id, variations) {
  const at = place(seed, id);
  let end = 0;
  return variations.find(({ weight }) => at < (end += weight ?? 1 / variations.length))?.key ?? variations.at(-1).key;
}
