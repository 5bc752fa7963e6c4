// What browsers and other platforms say about consent.

/** What the site says, after the browser's own signals among `gpc` and `dnt`; who is still to be asked is `pending`. */
export const siteSays = (consent, signals) => {
  const { globalPrivacyControl, doNotTrack } = navigator;
  if ((signals.includes("gpc") && globalPrivacyControl) || (signals.includes("dnt") && doNotTrack === "1")) return "denied";
  return consent ?? (/tcf|gcm/.test(signals) ? "pending" : undefined);
};

// Store, choose content by a profile, measure content: IAB Europe's list of purposes, version 2.2.
const PURPOSES = [1, 6, 8];

/** Hears the answers of `tcf` (IAB TCF 2.2) and `gcm` (Google Consent Mode). */
export const hear = (signals, answer) => {
  const say = (granted) => answer(granted ? "granted" : "denied");
  if (signals.includes("tcf")) {
    window.__tcfapi?.("addEventListener", 2, (data, ok) => {
      if (!ok || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
      const { consents = {} } = data.purpose ?? {};
      say(data.gdprApplies === false || PURPOSES.every((purpose) => consents[purpose]));
    });
  }
  if (signals.includes("gcm")) {
    const layer = (window.dataLayer ||= []);
    const note = (entry) => {
      const [command, kind, states] = entry?.[0] ? entry : [];
      if (command !== "consent" || !states?.analytics_storage) return;
      const all = [states.analytics_storage, states.personalization_storage ?? "granted"];
      const granted = all.every((state) => state === "granted");
      // A default is not the visitor's answer, so that it takes nothing away.
      if (granted || kind === "update") say(granted);
    };
    layer.forEach(note);
    const { push } = layer;
    layer.push = (...entries) => {
      entries.forEach(note);
      return push.apply(layer, entries);
    };
  }
};
