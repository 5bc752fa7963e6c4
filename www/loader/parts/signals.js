// What consent platforms say: loaded where the site wants to hear one, and pending until then.

// By IAB Europe's list of purposes, version 2.2: to store, and then to measure content, or to choose it by a profile.
const MEASUREMENT = [1, 8];
const PERSONALIZATION = [1, 6];

const wordFor = (measurement, personalization) => {
  if (measurement && personalization) return "granted";
  if (measurement) return "measurement";
  return personalization ? "personalization" : "denied";
};

/** Hears the answers of `tcf` (IAB TCF 2.2) and `gcm` (Google Consent Mode), also those that were given before. */
export default ([{ consent }, , , , , device], signals) => {
  const answer = (word) => word !== device.consent && consent(word);
  if (signals.includes("tcf")) {
    window.__tcfapi?.("addEventListener", 2, (data, ok) => {
      if (!ok || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
      const { consents = {} } = data.purpose ?? {};
      const agreed = (purposes) => data.gdprApplies === false || purposes.every((purpose) => consents[purpose]);
      answer(wordFor(agreed(MEASUREMENT), agreed(PERSONALIZATION)));
    });
  }
  if (signals.includes("gcm")) {
    const layer = (window.dataLayer ||= []);
    const note = (entry) => {
      const [command, kind, states] = entry?.[0] ? entry : [];
      if (command !== "consent" || !states?.analytics_storage) return;
      const { analytics_storage: measured, personalization_storage: personal = measured } = states;
      const word = wordFor(measured === "granted", personal === "granted");
      // A default is not the visitor's answer, so that it takes nothing away.
      if (word !== "denied" || kind === "update") answer(word);
    };
    layer.forEach(note);
    const { push } = layer;
    layer.push = (...entries) => {
      entries.forEach(note);
      return push.apply(layer, entries);
    };
  }
};
