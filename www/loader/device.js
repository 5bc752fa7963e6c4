// What the device keeps: cookies, the tab's session and the history. Each may be refused; then memory has to do.
import { attempt } from "./attempt.js";
import { newId } from "./ids.js";

// What a visitor may agree to alone: to be measured, and to see what fits what they did.
export const MEASUREMENT = "measurement";
export const PERSONALIZATION = "personalization";

/** Whether an answer agrees to a purpose, or to any. */
export const isAgreed = (answer, purpose = answer) =>
  ["granted", MEASUREMENT, PERSONALIZATION].includes(answer) && ["granted", purpose].includes(answer);
/** Whether it is an answer. */
export const isAnswer = (answer) => isAgreed(answer) || answer === "denied";

/** What is decided by: before there is an answer, by an id of this page alone. */
export const decidedBy = (consent) => (isAnswer(consent) ? consent : MEASUREMENT);

const ID = "sl_id";
const STICKY = "sl_sticky";
const SEGMENTS = "sl_seg";
const MET = "sl_met";
const CONSENT = "sl_consent";
export const FORGET = "sl_forget";
export const SESSION = "sl.session";
const HISTORY = "sl.history";
const SEEN = "sl.seen";
// 395 days: browsers keep a cookie for 400 at most.
const KEEP = 34_164_000;
// A session ends after half an hour without an event, as in the field's analytics tools.
const INACTIVE_MS = 1_800_000;

/** A cookie's value; `undefined` where there is none, or cookies are refused. */
export const cookie = (name) =>
  attempt(() => `; ${document.cookie}`.split(`; ${name}=`)[1]?.split(";")[0]);

/** Keeps a cookie for so many seconds; where they are refused it holds nothing. */
export const setCookie = (name, value, seconds = KEEP) =>
  attempt(() => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; Max-Age=${seconds}; SameSite=Lax; Path=/${secure}`;
  });

/** The visitor's answer, or else what the site says; a word we do not know is no agreement. */
export const consentNow = (siteSays) => cookie(CONSENT) ?? siteSays ?? "granted";

/** The id that is kept, as `<uuid>[.<signature>]`: the edge signs, and the cookie stays as it is. */
export const keptId = () => cookie(ID)?.split(".")[0];

/** Keeps an id that is new. */
export const keepId = (id) => setCookie(ID, id);

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
  // Whether the id is still to be kept.
  let isNew;
  const device = {
    consent: consentNow(siteSays),
    /** The visitor's own answer, where they were asked. */
    said: cookie(CONSENT),
    id: undefined,

    agreed: (purpose) => isAgreed(device.consent, purpose),

    recall() {
      const kept = device.agreed() && keptId();
      // Before there is an answer it is of this page alone, and stays the page's if the answer is yes.
      if (kept) device.id = kept;
      else if (device.consent !== "denied") device.id ??= newId();
      isNew = !kept;
    },

    // What is read after a cookie was written has to come from another process, so the page is decided before.
    settleId() {
      if (isNew && device.agreed()) keepId(device.id);
      isNew = false;
    },

    answer(consent) {
      setCookie(CONSENT, (device.said = device.consent = consent));
      // Each is in one of three places.
      const wipe = (...names) => {
        for (const name of names) {
          setCookie(name, "", 0);
          attempt(() => [sessionStorage, localStorage].map((storage) => storage.removeItem(name)));
        }
      };
      if (!device.agreed(PERSONALIZATION)) wipe(SEGMENTS, HISTORY);
      if (!device.agreed(MEASUREMENT)) {
        wipe(STICKY, MET, SESSION, SEEN);
        session = undefined;
      }
      if (!device.agreed()) {
        wipe(ID);
        device.id = undefined;
      }
      device.recall();
      device.settleId();
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
    sticky: () => (device.agreed(MEASUREMENT) && cookie(STICKY)) || "",

    keepSticky: (text) => device.agreed(MEASUREMENT) && setCookie(STICKY, text),

    // Tells the edge, which signs it, the numbers of audiences. Until it has, it knows none rather than former ones.
    tell(segments, url) {
      if (!device.agreed(PERSONALIZATION) || cookie(SEGMENTS)?.startsWith(`${segments}~`)) return;
      setCookie(SEGMENTS, "", 0);
      fetch(url, { method: "POST", body: segments, keepalive: true }).catch(() => {});
    },

    // What the visitor met by being sent to this page, once.
    met() {
      const met = device.agreed(MEASUREMENT) && cookie(MET);
      if (!met) return undefined;
      setCookie(MET, "", 0);
      const [key, variation] = met.split("~");
      return { key, variation };
    },

    // A character per byte: storage holds UTF-16, and base64 would only add to it.
    history: () => (device.agreed(PERSONALIZATION) && attempt(() => localStorage.getItem(HISTORY))) || "",

    keepHistory: (bytes) =>
      device.agreed(PERSONALIZATION) && attempt(() => localStorage.setItem(HISTORY, String.fromCharCode(...bytes))),
  };
  return device;
}
