// An origin of raw bytes: answers as no decent server would, connection by connection.

import { createServer } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

export const PAGE = "<!doctype html><html><head><title>t</title></head><body><h1>Original</h1><p>rest</p></body></html>";
const BROKEN = "<h1>Original</h1><select><xmp></select><p <b a='1' a=2><table><div></xmp></tr></p></html></body>\0<svg><h1><![CDATA[<h1>x</h1>]]><!-- --!> <h1 <p";
const HTML = ["content-type: text/html; charset=utf-8"];
const HUGE = PAGE.replace("rest", "<b>some of it</b>\n".repeat(300_000));

const head = (status, headers) => `HTTP/1.1 ${status}\r\nconnection: close\r\n${headers.join("\r\n")}\r\n\r\n`;
const whole = (body, headers = HTML, status = "200 OK") => [head(status, [...headers, `content-length: ${Buffer.byteLength(body)}`]), body];
const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = (parts, end = "0\r\n\r\n") => [head("200 OK", [...HTML, "transfer-encoding: chunked"]), ...parts.map(chunk), end];
const typed = (type) => whole(PAGE, [`content-type: ${type}`]);
const also = (header) => whole(PAGE, [...HTML, header]);
const encoded = (body, encoding) => whole(body, [...HTML, `content-encoding: ${encoding}`]);

/** Pages that are changed: what they say, whole. */
export const CHANGED = {
  "length": { send: whole(PAGE) },
  "chunks": { send: chunked([PAGE.slice(0, 70), PAGE.slice(70)]) },
  "a byte at a time": { send: chunked([...PAGE]) },
  "gzip": { send: encoded(gzipSync(PAGE), "gzip") },
  "brotli": { send: encoded(brotliCompressSync(PAGE), "br") },
  "no charset": { send: typed("text/html") },
  "odd type": { send: typed("Text/HTML;Charset=\"UTF-8\"") },
  "cookies": { send: whole(PAGE, [...HTML, "set-cookie: a=1; Path=/", "set-cookie: b=2", "set-cookie: c=3; HttpOnly"]) },
  "broken html": { send: whole(BROKEN), page: BROKEN },
  "no end": { send: whole(`${PAGE}<h1 title="`), page: `${PAGE}<h1 title="` },
  "huge": { send: whole(HUGE), page: HUGE },
  "a tag of 2 MB": { send: whole(`${PAGE}<img src="${"x".repeat(2e6)}"><h1>end</h1>`), page: `${PAGE}<img src="${"x".repeat(2e6)}"><h1>end</h1>` },
  "nothing in it": { send: whole(""), page: "" },
};

/** What passes byte for byte, with the method that asks for it. */
export const SAME = {
  "deflate": { send: encoded(deflateSync(PAGE), "deflate") },
  "zstd": { send: encoded("not really zstd", "zstd") },
  "an unknown encoding": { send: encoded("whatever", "x-own") },
  "two encodings": { send: encoded(gzipSync(gzipSync(PAGE)), "gzip, gzip") },
  "UTF-16": { send: whole(Buffer.from(`\ufeff${PAGE}`, "utf16le"), ["content-type: text/html; charset=utf-16le"]) },
  "Latin-1": { send: whole(Buffer.from("<h1>\xe9</h1>", "latin1"), ["content-type: text/html; charset=iso-8859-1"]) },
  "no type": { send: whole(PAGE, ["x-a: b"]) },
  "XHTML": { send: typed("application/xhtml+xml") },
  "plain text": { send: typed("text/plain") },
  "JSON": { send: typed("application/json") },
  "no-transform": { send: also("cache-control: public, no-transform") },
  "a download": { send: also("content-disposition: attachment; filename=a.html") },
  "404": { send: whole(PAGE, HTML, "404 Not Found") },
  "418": { send: whole(PAGE, HTML, "418 I'm a teapot") },
  "500": { send: whole(PAGE, HTML, "500 Internal Server Error") },
  "503": { send: whole(PAGE, [...HTML, "retry-after: 7"], "503 Service Unavailable") },
  "201": { send: whole(PAGE, HTML, "201 Created") },
  "204": { send: [head("204 No Content", ["x-a: b"])] },
  "206": { send: whole("<h1>Ori", [...HTML, "content-range: bytes 0-6/99"], "206 Partial Content"), ask: { headers: { range: "bytes=0-6" } } },
  "301": { send: whole("", [...HTML, "location: https://elsewhere.test/a?b"], "301 Moved Permanently") },
  "302": { send: whole(PAGE, [...HTML, "location: /next", "set-cookie: a=1", "set-cookie: b=2"], "302 Found") },
  "304": { send: [head("304 Not Modified", ["etag: \"v\""])], ask: { headers: { "if-none-match": "\"v\"" } } },
  "416": { send: whole("", [...HTML, "content-range: bytes */99"], "416 Range Not Satisfiable") },
  "HEAD": { send: [head("200 OK", [...HTML, "content-length: 99"])], ask: { method: "HEAD" } },
  "POST": { send: whole(PAGE), ask: { method: "POST", body: "a=b" } },
  "DELETE": { send: whole(PAGE), ask: { method: "DELETE" } },
};

/** What breaks off: the visitor must hear of it. */
export const CUT = {
  "a body shorter than it says": { send: [head("200 OK", [...HTML, `content-length: ${PAGE.length + 9}`]), PAGE] },
  "chunks without an end": { send: chunked([PAGE], "") },
  "half a chunk": { send: [...chunked([PAGE], ""), "ff\r\n<p>"] },
  "a reset in the middle": { send: chunked([PAGE.slice(0, 90)], ""), reset: true },
  "gzip that is cut": { send: encoded(gzipSync(PAGE + "x".repeat(9)).subarray(0, 60), "gzip") },
  "a JSON that is cut": { send: [head("200 OK", ["content-type: application/json", "content-length: 9"]), "{}"] },
};

/** What never begins. */
export const DEAD = { "a reset at once": { send: [], reset: true }, "no answer": { send: [] }, "no HTTP": { send: ["nonsense\r\n\r\n"] } };

/** Starts the origin; a path is a name of a case. */
export async function rawOrigin() {
  const cases = { ...CHANGED, ...SAME, ...CUT, ...DEAD };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", async (data) => {
      const { send, reset } = cases[decodeURIComponent(String(data).split(" ")[1].slice(1))] ?? { send: whole("?", ["x-a: b"], "404 Not Found") };
      for (const part of send) await new Promise((done) => socket.write(part, done));
      // What was sent is to arrive before the end does.
      await new Promise((done) => setTimeout(done, reset ? 50 : 0));
      if (reset) socket.resetAndDestroy();
      else socket.end();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { port: server.address().port, stop: () => server.close() };
}
