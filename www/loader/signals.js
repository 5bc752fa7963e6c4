// What the site and the browser say about consent; what other platforms say is in parts/signals.js.

/** What the site says, after the browser's own signals among `gpc` and `dnt`; who is still to be asked is `pending`. */
export const siteSays = (consent, signals) => {
  const { globalPrivacyControl, doNotTrack } = navigator;
  if ((signals.includes("gpc") && globalPrivacyControl) || (signals.includes("dnt") && doNotTrack === "1")) return "denied";
  return consent ?? (/tcf|gcm/.test(signals) ? "pending" : undefined);
};
