// A client that costs little: prepared requests over raw connections, so that a benchmark measures the server.
import { connect } from "node:net";

/** A POST as it goes over the wire. */
export function post(base, path, body) {
  const { host } = new URL(base);
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: Mozilla/5.0 Chrome/140.0\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

/** Sends requests from a common supply over some connections, one at a time on each, until the time is over. */
export async function load(base, requests, { connections, seconds }) {
  const supply = requests.values();
  const times = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: connections }, () => one(base, supply, times, begun + seconds * 1000)));
  const spent = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { requests: times.length, seconds: spent, p50: at(0.5), p99: at(0.99) };
}

function one(base, supply, times, until) {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(base);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let sent = 0;
    let received = "";
    const next = () => {
      const { value } = performance.now() < until ? supply.next() : {};
      if (!value) return socket.end(), done();
      sent = performance.now();
      socket.write(value);
    };
    socket.setEncoding("latin1");
    socket.on("connect", next);
    socket.on("error", fail);
    socket.on("data", (chunk) => {
      received += chunk;
      if (!isWhole(received)) return;
      if (!received.startsWith("HTTP/1.1 200")) return socket.destroy(), fail(new Error(received.slice(0, 400)));
      received = "";
      times.push(performance.now() - sent);
      next();
    });
  });
}

function isWhole(response) {
  const head = response.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(response.slice(0, head));
  return length ? response.length >= head + 4 + Number(length[1]) : response.endsWith("0\r\n\r\n");
}
