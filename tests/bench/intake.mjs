// Durable events per second through the real intake, each answered after its commit, at 5 and at 50 events per request.

import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { assign, random, uuidFrom } from "../load/visitors.mjs";

const SECONDS = 5;
const CONNECTIONS = 64;
const stack = JSON.parse(process.env.SPLITLIGHT_STACK);
// The API address, because in front of the shop stands the stand-in for the network.
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const draw = random(11);

/** One visitor's batch: an exposure, and conversions up to the number of events. */
function batch(events) {
  const visitor = uuidFrom(draw);
  const time = Date.now();
  const variation = assign("hero-copy", visitor, ["control", "recommended"]);
  const all = [{ id: uuidFrom(draw), kind: "exposure", experiment: "hero-copy", variation, time }];
  while (all.length < events) all.push({ id: uuidFrom(draw), kind: "conversion", name: "purchase", value: 4900, time });
  return JSON.stringify({ key: stack.writeKey, visitor, sentAt: time, events: all });
}

function send(body) {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(stack.api);
    const options = { agent, host: hostname, port, path: `${stack.prefix}/e`, method: "POST", headers: { "content-type": "text/plain", "content-length": Buffer.byteLength(body) } };
    const sent = request(options, (response) => {
      response.resume();
      response.once("end", () => (response.statusCode === 200 ? done() : fail(new Error(`the intake answered ${response.statusCode}`))));
    });
    sent.once("error", fail);
    sent.end(body);
  });
}

/** CPU seconds of workerd so far, where the system says. */
function cpu() {
  const fields = readFileSync(`/proc/${stack.pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

console.log(`durable events, ${CONNECTIONS} connections, ${SECONDS} s each, client and server on this machine`);
for (const events of [5, 50]) {
  // Made beforehand, so that the client's own work is small.
  const bodies = Array.from({ length: events === 5 ? 20_000 : 4_000 }, () => batch(events)).values();
  const times = [];
  const [begun, used] = [performance.now(), cpu()];
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (const body of bodies) {
      const start = performance.now();
      await send(body);
      times.push(performance.now() - start);
      if (performance.now() - begun > SECONDS * 1000) break;
    }
  }));
  const seconds = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const perSecond = (times.length * events) / seconds;
  const p99 = times[Math.floor(times.length * 0.99)];
  const micros = (1e6 * (cpu() - used)) / (times.length * events);
  console.log(`  ${String(events).padStart(2)} events per request  ${perSecond.toFixed(0).padStart(7)} events/s  ${(times.length / seconds).toFixed(0).padStart(5)} requests/s  p99 ${p99.toFixed(0)} ms  ${micros.toFixed(1)} µs of CPU per event`);
}
agent.destroy();
