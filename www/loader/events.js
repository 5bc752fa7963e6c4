// Events: made within the protocol's limits, and only for a visitor who agreed.
import { MEASUREMENT } from "./device.js";
import { eventId } from "./ids.js";
import { byteLength } from "./outbox.js";

// As in crates/protocol/src/limits.rs.
const EVENT_BYTES_MAX = 4096;
const EVENT_PROPERTIES_MAX = 32;
const EVENT_DEPTH_MAX = 4;
const PATH_BYTES_MAX = 1024;
// Exposures remembered in one session: more than any site runs at once.
const MET_MAX = 1000;

// eslint-disable-next-line no-control-regex
const NAME = /^[^\0-\x1f\x7f-\x9f]{1,64}$/u;

const depth = (value) =>
  value && typeof value === "object" ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;

// As they will be sent: what JSON cannot carry is not there, and nothing the site does later can change it.
const copy = (given) => {
  const copied = given && typeof given === "object" ? JSON.parse(JSON.stringify(given)) : {};
  return Array.isArray(copied) ? {} : copied;
};

// Value in minor units; what is no number of them is no value.
const minorUnits = (given) => {
  const rounded = typeof given === "number" && Math.round(given);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
};

export function createEvents(device, outbox, config) {
  const record = (now, session, kind) => {
    const page = location.pathname;
    const event = { id: eventId(now), time: now, ...kind };
    if (page.startsWith("/") && byteLength(page) <= PATH_BYTES_MAX) event.page = page;
    const json = JSON.stringify(event);
    if (byteLength(json) > EVENT_BYTES_MAX) return outbox.drop("oversize");
    outbox.put({ id: event.id, head: JSON.stringify([session.visitor, session.id, config, { ...session.from, consent: device.said }]), json });
  };

  return {
    /** Once per visitor, item, variation and session; says whether it is done with. */
    expose(experiment, variation) {
      if (!device.agreed(MEASUREMENT)) return device.agreed();
      const now = Date.now();
      const session = device.session(now);
      const met = `${experiment}\n${variation}`;
      if (!session.met.includes(met) && session.met.length < MET_MAX) {
        session.met.push(met);
        record(now, session, { kind: "exposure", experiment, variation });
      }
      device.keepSession();
      return true;
    },

    /** Gives back what the history needs to know of it: name, properties, value. */
    conversion(name, given) {
      if (!device.agreed()) return undefined;
      const now = Date.now();
      let properties;
      try {
        properties = copy(given);
      } catch {
        // A value that contains itself, or a getter that throws.
        return outbox.drop("properties");
      }
      const value = minorUnits(typeof given === "number" ? given : properties.value);
      delete properties.value;
      if (!NAME.test(name)) return outbox.drop("name");
      if (Object.keys(properties).length > EVENT_PROPERTIES_MAX || depth(properties) > EVENT_DEPTH_MAX + 1) {
        return outbox.drop("properties");
      }
      if (device.agreed(MEASUREMENT)) {
        record(now, device.session(now), { kind: "conversion", name: `${name}`, value, properties });
        device.keepSession();
      }
      return [`${name}`, properties, value ?? null];
    },
  };
}
