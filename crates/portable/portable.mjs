// The portable engine for JavaScript: loads a program, takes a visitor as an object, answers from two arrays.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CONSENT = { granted: 0, denied: 1, pending: 2, measurement: 64, personalization: 128 };

/** Writes texts, numbers and values as the crate's documentation describes them. */
class Writer {
  bytes = new Uint8Array(1024);
  view = new DataView(this.bytes.buffer);
  length = 0;

  /** Makes room for more bytes. */
  more(count) {
    if (this.length + count <= this.bytes.length) return;
    const bytes = new Uint8Array(2 * (this.length + count));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  number(number) {
    this.more(5);
    for (; number >= 0x80; number >>>= 7) this.bytes[this.length++] = number | 0x80;
    this.bytes[this.length++] = number;
  }

  text(text) {
    const start = this.length;
    this.number(text.length);
    this.more(text.length);
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x80) {
        this.length = start;
        return this.blob(encoder.encode(text));
      }
      this.bytes[this.length++] = unit;
    }
  }

  blob(bytes) {
    this.number(bytes.length);
    this.more(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(byte) {
    this.more(1);
    this.bytes[this.length++] = byte;
  }

  value(value) {
    switch (typeof value) {
      case "string":
        this.byte(4);
        return this.text(value);
      case "number":
        if (!Number.isFinite(value)) return this.byte(0);
        this.more(9);
        this.bytes[this.length++] = 3;
        this.view.setFloat64(this.length, value, true);
        this.length += 8;
        return;
      case "boolean":
        return this.byte(value ? 2 : 1);
      case "object":
        if (value !== null) return Array.isArray(value) ? this.list(value) : this.object(value);
      // What JSON has no value for is null.
      default:
        return this.byte(0);
    }
  }

  list(items) {
    this.byte(5);
    this.number(items.length);
    for (const item of items) this.value(item);
  }

  object(object) {
    const names = Object.keys(object);
    this.byte(6);
    this.number(names.length);
    for (const name of names) {
      this.text(name);
      this.value(object[name]);
    }
  }
}

/** Reads an answer. */
class Reader {
  constructor(memory, address) {
    this.view = new DataView(memory.buffer, address + 4);
    this.bytes = new Uint8Array(memory.buffer, address + 4);
    this.at = 0;
  }

  number() {
    let number = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      number |= (byte & 0x7f) << shift;
      if (byte < 0x80) return number;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return decoder.decode(this.bytes.subarray(this.at - length, this.at));
  }

  list(read) {
    return Array.from({ length: this.number() }, () => read(this));
  }

  value() {
    const type = this.bytes[this.at++];
    if (type === 3) {
      this.at += 8;
      return this.view.getFloat64(this.at - 8, true);
    }
    if (type === 4) return this.text();
    if (type === 5) return this.list((from) => from.value());
    if (type === 6) return Object.fromEntries(this.list((from) => [from.text(), from.value()]));
    return type === 0 ? null : type === 2;
  }
}

/** The engine with one program. */
export class Engine {
  #wasm;
  #writer = new Writer();

  /**
   * @param {WebAssembly.Module} module The portable module, which imports nothing; the one with tools also explains.
   * @param {Uint8Array} program A program's bytes.
   */
  constructor(module, program) {
    this.#wasm = new WebAssembly.Instance(module).exports;
    this.load(program);
  }

  /** Takes another program instead. Decisions made before are not to be read any more. */
  load(program) {
    this.#give(program);
    if (!this.#wasm.load()) throw new Error("these bytes are no program of this release: publish the config again");
    const names = new Reader(this.#wasm.memory, this.#wasm.names());
    const item = (from) => ({ key: from.text(), isExperiment: from.bytes[from.at++] === 0, variations: from.list(text) });
    const text = (from) => from.text();
    /** Everything there is to decide about: `key`, `isExperiment`, `variations`. */
    this.items = names.list(item);
    /** Keys of the features. */
    this.features = names.list(text);
    /** Names of the reasons. */
    this.reasons = names.list(text);
    /** Positions of the items by key. */
    this.places = new Map(this.items.map(({ key }, at) => [key, at]));
  }

  #give(bytes) {
    const address = this.#wasm.room(bytes.length);
    new Uint8Array(this.#wasm.memory.buffer).set(bytes, address);
  }

  #writeVisitor(to, visitor) {
    const { id = "", user = "", url = "", kept = "", attributes = {}, consent = "granted", isBot = false } = visitor;
    const { history = new Uint8Array(), isPartial = false, utcOffset, forced = [] } = visitor;
    to.byte(CONSENT[consent] | (isBot ? 4 : 0) | (history ? 8 : 0) | (isPartial ? 16 : 0)
      | (utcOffset === undefined ? 0 : 32));
    to.text(id);
    to.text(user);
    to.text(url);
    to.text(kept);
    to.blob(history ?? new Uint8Array());
    to.object(attributes);
    to.byte(utcOffset ?? 0);
    to.byte((utcOffset ?? 0) >> 8);
    to.number(forced.length);
    for (const texts of forced) for (const text of texts) to.text(text);
  }

  /** Writes an input by `write` and asks; what comes back is read by `read`. */
  #ask(question, now, write, read) {
    if (!(question in this.#wasm)) throw new Error(`this build of the module has no \`${question}\`: use the one with tools`);
    const to = this.#writer;
    to.length = 0;
    write(to);
    this.#give(to.bytes.subarray(0, to.length));
    const address = this.#wasm[question](now);
    if (address === 0) throw new Error(`the input of \`${question}\` could not be read`);
    const length = new DataView(this.#wasm.memory.buffer).getUint32(address, true);
    return read(new Reader(this.#wasm.memory, address), length);
  }

  /** Why each item of the program stands as it does for a visitor, as `decide` takes one. */
  explain(visitor, now) {
    return this.#ask("explain", now, (to) => this.#writeVisitor(to, visitor), (from) => from.value());
  }

  /** What an address and a request say: `attributes` and `isBot`. */
  page({ url = "", referrer = "", userAgent = "", language = "" }) {
    const write = (to) => [url, referrer, userAgent, language].forEach((text) => to.text(text));
    return this.#ask("page", 0, write, (from) => from.value());
  }

  /** The bytes of a history after an event. */
  remember(history, { name, properties = {}, value = null }, now) {
    const write = (to) => {
      to.blob(history);
      to.text(name);
      to.object(properties);
      to.value(value);
    };
    return this.#ask("remember", now, write, (from, length) => from.bytes.slice(0, length));
  }

  /** The bytes of a history after a page view. */
  visit(history, url, referrer, now) {
    const write = (to) => {
      to.blob(history);
      to.text(url);
      to.text(referrer);
    };
    return this.#ask("visit", now, write, (from, length) => from.bytes.slice(0, length));
  }

  /** What the bytes of a history say, for a person to read. */
  history(history) {
    return this.#ask("history", 0, (to) => to.blob(history), (from) => from.value());
  }

  /** Makes deciding for many visitors faster, for the price of deciding for some ten of them. */
  index() {
    this.#wasm.index();
  }

  /** Whether the module has an index; the small one has not. */
  get canIndex() {
    return "index" in this.#wasm;
  }

  /**
   * Decides everything for a visitor.
   * @param {{ id?: string, user?: string, url?: string, kept?: string, attributes?: object,
   *   consent?: "granted" | "denied" | "pending" | "measurement" | "personalization", isBot?: boolean, history?: Uint8Array | null,
   *   isPartial?: boolean, utcOffset?: number, forced?: [string, string][] }} visitor
   *   Who it is; `history` is null where it is not known, `isPartial` says that the page will know more, `utcOffset` is in
   *   minutes, `forced` is what a verified preview link asks for.
   * @param {number} now Milliseconds since 1970.
   * @returns {Decisions}
   */
  decide(visitor, now) {
    const to = this.#writer;
    to.length = 0;
    this.#writeVisitor(to, visitor);
    this.#give(to.bytes.subarray(0, to.length));
    const address = this.#wasm.decide(now);
    if (address === 0) throw new Error("the visitor could not be read");
    return new Decisions(this, this.#wasm.memory, address);
  }
}

/** What was decided for one visitor; it outlives the next decision. */
class Decisions {
  #engine;
  #items;
  #features;
  #rest;

  constructor(engine, memory, address) {
    const length = new DataView(memory.buffer).getUint32(address, true);
    const end = address + 4 + 2 * engine.items.length;
    this.#engine = engine;
    this.#items = new Uint8Array(memory.buffer.slice(address + 4, end));
    this.#rest = memory.buffer.slice(end - 4, address + 4 + length);
  }

  /** The index of the variation to use for an item; undefined when there is no such item. */
  variation(key) {
    return this.#items[2 * this.#engine.places.get(key)];
  }

  /** Why. */
  reason(key) {
    return this.#engine.reasons[this.#items[2 * this.#engine.places.get(key) + 1]];
  }

  /** What the device has to keep now; empty when it keeps it already. */
  get kept() {
    return this.#read().kept;
  }

  /** Every feature's `value`, `reason` and `item`, the key of the item that gave it. */
  get features() {
    return this.#read().features;
  }

  /** Features are read when first asked for, because most pages ask for none. */
  #read() {
    if (this.#features) return this.#features;
    const from = new Reader({ buffer: this.#rest }, 0);
    const { features, items, reasons } = this.#engine;
    const entry = (key) => {
      const reason = reasons[from.bytes[from.at++]];
      const item = items[from.number() - 1]?.key;
      return [key, { value: from.value(), reason, item }];
    };
    this.#features = { features: Object.fromEntries(features.map(entry)), kept: from.text() };
    return this.#features;
  }
}
