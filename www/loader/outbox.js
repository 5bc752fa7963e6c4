// Events on their way: written ahead, sent in batches, kept until the collector has taken them.
import { encoder } from "./bytes.js";
import { eventId } from "./ids.js";
import { store } from "./store.js";

// As in crates/protocol/src/limits.rs; beacons and keepalive requests share 65,536 bytes in flight.
const BATCH_EVENTS_MAX = 100;
const BODY_BYTES_MAX = 60_000;
const EVENTS_MAX = 1000;
// Events that come together travel together.
const DEBOUNCE_MS = 50;
// After the third try there is silence until the next page.
const RETRY_MS = [DEBOUNCE_MS, 1_000, 5_000];
const ANSWER_MS_MAX = 10_000;

/** The bytes of a text in UTF-8. */
export const byteLength = (text) => encoder.encode(text).length;

/**
 * @param {string} url The collector's.
 * @param {string} key The write key.
 * @param {string} sdk Name and version of the sender.
 */
export function createOutbox(url, key, sdk) {
  // `{ id, head, json, lost }`: what a batch says once for all its events, the event, and what it tells the loss of.
  let waiting = [];
  let dropped = {};
  let sending = false;
  let failures = 0;
  let timer;
  let generation = 0;
  // Of this page, also those on their way: what an earlier page left is anything else.
  const known = new Set();

  const drop = (reason, count = 1) => {
    dropped[reason] = (dropped[reason] ?? 0) + count;
  };

  const add = (records, before) => {
    waiting = before ? [...records, ...waiting] : [...waiting, ...records];
    lose(waiting.splice(0, Math.max(0, waiting.length - EVENTS_MAX)), "overflow");
    wake();
  };

  const lose = (records, reason) => {
    for (const { lost } of records) lost ? drop(...lost) : drop(reason);
    store.remove(records.map((record) => record.id));
  };

  // A loss is told by an event of its own, which is kept and counted once like any other.
  const tell = (head) => {
    for (const name in dropped) {
      const [time, value] = [Date.now(), dropped[name]];
      const id = eventId(time);
      const record = { id, head, json: JSON.stringify({ id, time, kind: "dropped", name, value }), lost: [name, value] };
      store.put(id, record);
      waiting.unshift(record);
    }
    dropped = {};
  };

  // Events from the front that share a head, up to a request's bounds.
  const take = () => {
    const { head } = waiting[0];
    tell(head);
    let size = byteLength(head) + 500;
    let count = 0;
    while (count < BATCH_EVENTS_MAX && waiting[count]?.head === head) {
      size += byteLength(waiting[count].json) + 1;
      if (count && size > BODY_BYTES_MAX) break;
      count++;
    }
    const records = waiting.splice(0, count);
    const [visitor, session, config, more] = JSON.parse(head);
    const automated = navigator.webdriver || undefined;
    const batch = { key, visitor, session, config: config || undefined, sentAt: Date.now(), sdk, automated, ...more };
    // Each event is JSON already.
    const body = `${JSON.stringify(batch).slice(0, -1)},"events":[${records.map((record) => record.json)}]}`;
    return { records, body };
  };

  const send = async () => {
    timer = 0;
    if (!waiting.length) return;
    sending = true;
    const mine = generation;
    const batch = take();
    let status = 0;
    try {
      // A keepalive request outlives the page; text/plain needs no preflight. To our own edge goes the signed cookie.
      const signal = AbortSignal.timeout?.(ANSWER_MS_MAX);
      const request = { method: "POST", body: batch.body, keepalive: true, signal };
      status = (await fetch(url, request)).status;
    } catch {
      // No answer: as a server in trouble.
    }
    sending = false;
    if (mine !== generation) return;
    failures++;
    if (status < 200 || status > 499 || status === 408 || status === 429) return add(batch.records, true);
    failures = 0;
    if (status > 299) lose(batch.records, "rejected");
    else store.remove(batch.records.map((record) => record.id));
    wake();
  };

  const wake = () => {
    const delay = RETRY_MS[failures];
    if (waiting.length && !sending && !timer && delay) timer = setTimeout(send, delay);
  };

  return {
    drop,
    put(record) {
      // Written ahead: whatever ends this page, the next one finds the event.
      known.add(record.id);
      this.saved = store.put(record.id, record);
      add([record]);
    },
    async restore() {
      const mine = generation;
      const left = (await store.all()) ?? [];
      const older = left.filter((record) => !known.has(record.id));
      for (const record of older) known.add(record.id);
      if (mine === generation) add(older, true);
    },
    // The page may be gone after this, so no answer is heard and the store keeps the events for the next page.
    flush() {
      while (waiting.length) {
        const batch = take();
        if (!navigator.sendBeacon(url, batch.body)) return add(batch.records, true);
      }
    },
    clear() {
      generation++;
      waiting = [];
      dropped = {};
      store.clear();
    },
  };
}
