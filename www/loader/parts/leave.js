// Another page instead of this one: where a visitor may be sent, and never round in circles.

import { MEASUREMENT, SESSION, isAgreed } from "../device.js";

// Pages that may send a visitor on one after the other, as at the edge.
const HOPS_MAX = 5;
// Who was sent here arrives at once; who follows a link takes longer.
const HOP_MS = 1_000;
// How long the page waits for what was met to be on the disk.
const SAVE_MS_MAX = 300;

const withoutHash = (address) => address.replace(/#.*/, "");

// As the edge's `REDIRECT_HOSTS`, which the Worker passes on, and never from an encrypted page to one that is not.
const isAllowed = ({ origin, protocol, hostname }, hosts) =>
  origin === location.origin || (protocol === location.protocol && hosts.split(/[\s,]+/).includes(hostname));

// Whether this page may send the visitor on: once, not to one that sent them here, nor where that cannot be noted.
const mayGo = (device, from, to) => {
  if (!isAgreed(device.consent, MEASUREMENT)) return false;
  const session = device.session(Date.now());
  // By a clock that nobody sets.
  const { timeOrigin } = performance;
  const trail = timeOrigin - session.sent?.at < HOP_MS ? session.sent.trail : [];
  if (trail.includes(to) || trail.includes(from) || trail.length >= HOPS_MAX) return false;
  // It goes with the session, also when the visitor refuses.
  session.sent = { at: timeOrigin + performance.now(), trail: [...trail, from] };
  const text = JSON.stringify(session);
  sessionStorage.setItem(SESSION, text);
  return sessionStorage.getItem(SESSION) === text;
};

/** Sends the visitor to an address once `meet` has counted that, and says whether they are on their way. */
export default async ([, options, , site, , device], address, meet) => {
  const there = new URL(address);
  const hosts = [options.redirectHosts, site.redirectHosts].join();
  if (!isAllowed(there, hosts)) {
    console.warn(`Splitlight stays here: ${there.host} is not among the redirect hosts (data-redirect-hosts)`);
    return false;
  }
  if (!mayGo(device, withoutHash(location.href), withoutHash(address))) {
    console.warn(`Splitlight stays here: ${address} leads back, or what was sent cannot be noted`);
    return false;
  }
  // A page that is gone writes nothing down.
  await Promise.race([meet(), new Promise((done) => setTimeout(done, SAVE_MS_MAX))]);
  location.replace(there);
  return true;
};
