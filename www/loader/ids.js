// Chance and names: the only place of the script tag that draws.

/** A UUID from 16 bytes, with its version and variant set. */
const uuid = (bytes, version) => {
  bytes[6] = (bytes[6] & 15) | (version << 4);
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
};

// Not `crypto.randomUUID`: pages without https have no such function.
const random = () => crypto.getRandomValues(new Uint8Array(16));

/** A visitor's or session's id, which says nothing about when. */
export const newId = () => uuid(random(), 4);

/** An event's id: version 7 (RFC 9562 §5.7), so that ids sort by time. */
export const eventId = (now) => {
  const bytes = random();
  for (let at = 6; at--; now = Math.floor(now / 256)) bytes[at] = now;
  return uuid(bytes, 7);
};
