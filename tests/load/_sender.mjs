// Requests over connections that stay open, for loads of many small ones.
import { Agent, request } from "node:http";

/** Sends to one address over at most `connections`; an answer is its status, headers and text. */
export function sender(base, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const post = (path, body, headers = {}) => new Promise((done, fail) => {
    const asked = request(base + path, { method: "POST", agent, timeout: 30_000, headers: { ...headers, "content-length": Buffer.byteLength(body) } }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part)).on("error", fail);
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer to ${path} within 30 s`)));
    asked.on("error", fail);
    asked.end(body);
  });
  post.close = () => agent.destroy();
  return post;
}
