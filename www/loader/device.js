// What the device keeps: cookies, the tab's session and the history. Each may be refused; then memory has to do.
import { newId } from "./ids.js";

const ID = "sl_id";
const STICKY = "sl_sticky";
const SEGMENTS = "sl_seg";
const MET = "sl_met";
const CONSENT = "sl_consent";
const FORGET = "sl_forget";
const SESSION = "sl.session";
const HISTORY = "sl.history";
const SEEN = "sl.seen";
// 395 days: browsers keep a cookie for 400 at most.
const KEEP = 34_164_000;
// A session ends after half an hour without an event, as in the field's analytics tools.
const INACTIVE_MS = 1_800_000;

const attempt = (use) => {
  try {
    return use();
  } catch {
    return undefined;
  }
};

const cookie = (name) =>
  attempt(() => `; ${document.cookie}`.split(`; ${name}=`)[1]?.split(";")[0]);

const setCookie = (name, value, seconds = KEEP) =>
  attempt(() => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; Max-Age=${seconds}; SameSite=Lax; Path=/${secure}`;
  });

// How a visit begins, which results can be broken down by.
const beginning = () => {
  const host = attempt(() => new URL(document.referrer).host);
  const returning = !!attempt(() => localStorage.getItem(SEEN));
  attempt(() => localStorage.setItem(SEEN, 1));
  const medium = new URLSearchParams(location.search).get("utm_medium") ?? undefined;
  return { referrer: host && host !== location.host ? host : "", medium, returning };
};

/** @param {string | undefined} siteSays What the site says about consent; the visitor's own answer wins. */
export function openDevice(siteSays) {
  let session;
  const device = {
    // A word we do not know is no agreement.
    consent: cookie(CONSENT) ?? siteSays ?? "granted",
    /** The visitor's own answer, where they were asked. */
    said: cookie(CONSENT),
    id: undefined,

    agreed: () => device.consent === "granted",

    // `<uuid>[.<signature>]`; the edge signs, and the cookie stays as it is.
    recall() {
      if (!device.agreed()) return;
      device.id = cookie(ID)?.split(".")[0];
      if (!device.id) setCookie(ID, (device.id = newId()));
    },

    answer(consent) {
      if (consent === "denied") {
        for (const name of [ID, STICKY, SEGMENTS, MET]) setCookie(name, "", 0);
        attempt(() => sessionStorage.removeItem(SESSION));
        attempt(() => [HISTORY, SEEN].forEach((key) => localStorage.removeItem(key)));
        device.id = session = undefined;
      }
      setCookie(CONSENT, (device.said = device.consent = consent));
      device.recall();
    },

    /** Whom the collector is still to forget, with the edge's signatures and `~` between them. */
    forgets: () => cookie(FORGET),

    forget: () => setCookie(FORGET, [cookie(FORGET), cookie(ID)].join("~")),

    /** The session of this moment: its id, its visitor, when something last happened, and what was met. */
    session(now) {
      session ??= attempt(() => JSON.parse(sessionStorage.getItem(SESSION)));
      // Also by a clock that was set back.
      const goesOn = session?.visitor === device.id && Math.abs(now - session.last) <= INACTIVE_MS;
      if (!goesOn) session = { id: newId(), visitor: device.id, last: now, met: [], from: beginning() };
      session.last = now;
      return session;
    },

    keepSession: () => attempt(() => sessionStorage.setItem(SESSION, JSON.stringify(session))),

    // Kept variations are a cookie, so that the edge sees them too.
    sticky: () => (device.agreed() && cookie(STICKY)) || "",

    keepSticky: (text) => device.agreed() && setCookie(STICKY, text),

    // Tells the edge, which signs it, the numbers of audiences. Until it has, it knows none rather than former ones.
    tell(segments, url) {
      if (!device.agreed() || cookie(SEGMENTS)?.startsWith(`${segments}~`)) return;
      setCookie(SEGMENTS, "", 0);
      fetch(url, { method: "POST", body: segments, keepalive: true }).catch(() => {});
    },

    // What the visitor met by being sent to this page: `<item>~<variation>`, once.
    met() {
      const met = device.agreed() && cookie(MET);
      if (met) setCookie(MET, "", 0);
      return met ? met.split("~") : undefined;
    },

    // A character per byte: storage holds UTF-16, and base64 would only add to it.
    history: () => (device.agreed() && attempt(() => localStorage.getItem(HISTORY))) || "",

    keepHistory: (bytes) => attempt(() => localStorage.setItem(HISTORY, String.fromCharCode(...bytes))),
  };
  return device;
}
