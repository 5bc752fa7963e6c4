// What consent platforms say: loaded where the site wants to hear one, and pending until then.

// Store, choose content by a profile, measure content: IAB Europe's list of purposes, version 2.2.
const PURPOSES = [1, 6, 8];

/** Hears the answers of `tcf` (IAB TCF 2.2) and `gcm` (Google Consent Mode), also those that were given before. */
export default ([{ consent }, , , , , device], signals) => {
  const answer = (word) => word !== device.consent && consent(word);
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
