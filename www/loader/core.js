// The core: values go in and come out as bytes, in the form that crates/engine/src/bytes.rs describes.
import { attempt } from "./attempt.js";
import { encoder } from "./bytes.js";

const DEPTH_MAX = 8;
// Of one object, so that an object that contains itself ends.
const VALUES_MAX = 10_000;

// A mark at its start is a part of a text.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What JSON could carry of a value. */
export const encode = (given) => {
  const out = [];
  let left = VALUES_MAX;
  const size = (rest) => {
    for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
    out.push(rest);
  };
  const text = (value) => {
    const bytes = encoder.encode(value);
    size(bytes.length);
    for (const byte of bytes) out.push(byte);
  };
  const carries = (value, depth) =>
    left-- > 0 && (value === null || /^(b.*n|n|st)/.test(typeof value) || (depth && typeof value === "object"));
  const put = (value, depth) => {
    if (value === true || value === false) out.push(1 + value);
    else if (typeof value === "string") {
      out.push(4);
      text(value);
    } else if (Number.isFinite(value)) out.push(3, ...new Uint8Array(Float64Array.of(value).buffer));
    else if (value && typeof value === "object") {
      const isList = attempt(() => Array.isArray(value));
      const names = attempt(() => (isList ? [...value.slice(0, left).keys()] : Object.keys(value))) ?? [];
      let members = names.map((name) => [name, attempt(() => value[name])]);
      if (!isList) members = members.filter(([, member]) => carries(member, depth));
      out.push(isList ? 5 : 6);
      size(members.length);
      for (const [name, member] of members) {
        if (!isList) text(name);
        put(!isList || carries(member, depth) ? member : null, depth - 1);
      }
    } else out.push(0);
  };
  put(given, DEPTH_MAX);
  return out;
};

/** The value at an address. */
const decode = ({ buffer }, at) => {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const part = () => {
    let size = 0;
    let shift = 0;
    let byte;
    do {
      byte = bytes[at++];
      size |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return size;
  };
  const cut = (size) => bytes.slice(at, (at += size));
  const value = () => {
    const kind = bytes[at++];
    if (kind < 3) return [null, false, true][kind];
    if (kind < 4) return view.getFloat64((at += 8) - 8, true);
    const size = part();
    if (kind === 4) return decoder.decode(cut(size));
    if (kind === 5) return Array.from({ length: size }, value);
    if (kind > 6) return cut(size);
    return Object.fromEntries(Array.from({ length: size }, () => [decoder.decode(cut(part())), value()]));
  };
  return value();
};

/**
 * Starts the core.
 * @param {(imports: object) => object} instantiate Gives the exports.
 * @param {Uint8Array} program
 */
export function openCore(instantiate, program) {
  const digit = (number, at) => String(number).charCodeAt(at);
  const { memory, room, start, decide, remember } = instantiate({ _: [digit] });
  const give = (bytes) => {
    const address = room(bytes.length);
    new Uint8Array(memory.buffer).set(bytes, address);
  };
  const ask = (question, given, history) => {
    const bytes = encode(given);
    for (const byte of history) bytes.push(byte);
    give(bytes);
    const address = question(Date.now());
    return address ? decode(memory, address) : undefined;
  };
  give(program);
  const asksHistory = start();
  if (asksHistory > 1) throw new Error("the program needs the whole core");
  return {
    asksHistory,
    decide: (facts, history) => ask(decide, facts, history),
    remember: (event, history) => ask(remember, event, history),
  };
}
