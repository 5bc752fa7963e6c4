// What strangers send: naughty strings and bodies of our own, the public lists where they are, and ways to spoil a request.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LISTS = process.env.SPLITLIGHT_ATTACKS ?? fileURLToPath(new URL("../../../shared/data/attack", import.meta.url));

/** Strings that have broken others: quotes and statements, markup, control characters, lone surrogates, numbers, names. */
export const NAUGHTY = [
  "", " ", "'", "''", '"', "`", "\\", "\\'", "';", "'; DROP TABLE visitors; --", "' OR '1'='1", "1); DELETE FROM log; --", "' UNION SELECT key FROM keys --",
  "x'||(SELECT text FROM config)||'", "\"; ATTACH DATABASE '/tmp/x' AS x; --", "%27%20OR%201=1", "/**/OR/**/1=1", "$where", "{\"$gt\":\"\"}", "[$ne]=1", "?1", ":name", "@name", "$1",
  "\u0000", "a\u0000b", "\u0001\u0002\u001f\u007f", "\u0085\u00a0", "\u2028\u2029", "\ufeff", "\ufffe\uffff", "\u202etxt.exe", "\u200b\u200d", "e\u0301", "é", "ß", "İ", "𝒳", "👩‍👩‍👧‍👦", "ﷺ",
  "undefined", "null", "true", "NaN", "Infinity", "-0", "0x10", "1e999", "9007199254740993", "170141183460469231731687303715884105728", "__proto__", "constructor", "toString", "hasOwnProperty",
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</script><!--", "javascript:alert(1)", "&lt;b&gt;", "${7*7}", "{{7*7}}", "#{7*7}", "%s%s%n", "%00", "../../../etc/passwd", "..%2f..%2f", "C:\\con",
  "\r\nset-cookie: a=b", "a\nb", "a\tb", "a,b;c|d", "() { :; }; echo", "$(id)", "| id", "file:///etc/passwd", "http://127.0.0.1:1/", "x".repeat(64), "x".repeat(65), "x".repeat(128), "x".repeat(129), "é".repeat(128), "x".repeat(5000),
];

/** Bodies that are no JSON, or JSON at its edges. */
export const BODIES = [
  "", " ", "{", "}", "[]", "[", "{}", "null", "1", "\"x\"", "{\"a\":}", "{\"a\":1,}", "[1,]", "{'a':1}", "nul", "tru", "-", "+1", "01", "1.", ".5", "1e", "0x1", "NaN", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0000\"", "// c\n{}",
  "[".repeat(10_000), "{\"a\":".repeat(5_000), "[".repeat(200) + "]".repeat(200), "1".repeat(400), `1e${"9".repeat(300)}`, "\ufeff{}", "{}{}", "{}\u0000", "\u0000",
].map((text) => Buffer.from(text)).concat([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x22, 0xe9, 0x22], [0x1f, 0x8b], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], [0xff, 0xfe, 0x7b, 0, 0x7d, 0]].map((bytes) => Buffer.from(bytes)));

const lines = (path) => readFileSync(join(LISTS, path), "utf8").split("\n").filter((line) => line !== "");

/** The public lists, each empty when it is not there. */
export function publicLists() {
  const found = { blns: [], sql: [], refused: [], read: [], either: [] };
  if (!existsSync(LISTS)) return found;
  found.blns = JSON.parse(readFileSync(join(LISTS, "blns/blns.json"), "utf8"));
  const injections = "PayloadsAllTheThings/SQL Injection/Intruder";
  found.sql = readdirSync(join(LISTS, injections)).flatMap((name) => lines(join(injections, name)));
  const parsing = join(LISTS, "JSONTestSuite/test_parsing");
  for (const name of readdirSync(parsing)) {
    const list = { n: found.refused, y: found.read, i: found.either }[name[0]];
    list?.push({ name, bytes: readFileSync(join(parsing, name)) });
  }
  return found;
}

/** A spoiler of requests that draws from `draw`, and from these strings and bodies. */
export function spoiler(draw, strings, bodies) {
  const below = (count) => Math.floor(draw() * count);
  const pick = (list) => list[below(list.length)];
  const HEADERS = ["content-type", "content-encoding", "authorization", "origin", "cookie", "user-agent", "if-match", "if-none-match", "sec-purpose", "accept", "content-language", "referer"];
  const TYPES = ["application/json", "text/plain", "text/csv", "application/x-ndjson", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "", "*/*"];
  const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
  // Values that a type does not expect, and that a bound should know.
  const values = () => pick([null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 63), 2 ** 63, [], {}, [[[[[[[[[[]]]]]]]]]], pick(strings), pick(strings), { [pick(strings)]: pick(strings) }, Array(101).fill(1)]);
  const header = (text) => Buffer.from(text.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, "")).toString("latin1");

  /** One value anywhere in a document replaced, removed, or another member added. */
  function restructured(document) {
    const root = { "": structuredClone(document) };
    let [holder, name] = [root, ""];
    while (typeof holder[name] === "object" && holder[name] !== null && Object.keys(holder[name]).length > 0 && draw() < 0.8) {
      holder = holder[name];
      name = pick(Object.keys(holder));
    }
    const kind = below(5);
    if (kind === 0) delete holder[name];
    else if (kind === 1 && !Array.isArray(holder)) Object.defineProperty(holder, pick(strings), { value: values(), enumerable: true, configurable: true });
    else holder[name] = values();
    return root[""];
  }

  function bytes(body) {
    const out = Buffer.from(body);
    const kind = below(5);
    if (out.length === 0 || kind === 0) return Buffer.from(pick(bodies));
    if (kind === 1) return out.subarray(0, below(out.length));
    if (kind === 2) return Buffer.concat([out, out]);
    if (kind === 3) {
      const at = below(out.length);
      return Buffer.concat([out.subarray(0, at), Buffer.from(pick(strings)), out.subarray(at)]);
    }
    for (let flips = 1 + below(4); flips > 0; flips -= 1) out[below(out.length)] ^= 1 << below(8);
    return out;
  }

  /** The request with one to three things wrong with it. */
  return function spoil(request) {
    let { method, path, headers, body, document } = { ...request, headers: { ...request.headers } };
    for (let times = 1 + below(3); times > 0; times -= 1) {
      const kind = below(10);
      if (kind === 0) method = pick(METHODS);
      else if (kind === 1) {
        const parts = path.split("/");
        parts[1 + below(parts.length)] = encodeURIComponent(pick(strings).toWellFormed()).slice(0, 2000);
        path = parts.join("/");
      } else if (kind === 2) path += `${path.includes("?") ? "&" : "?"}${pick(["limit", "cursor", "dry_run", "against", "key", "name", "value", "visitor", "x"])}=${encodeURIComponent(pick(strings).toWellFormed()).slice(0, 2000)}`;
      else if (kind === 3) headers["content-type"] = pick(TYPES);
      else if (kind === 4) headers[pick(HEADERS)] = header(pick(strings));
      else if (kind === 5) delete headers[pick(Object.keys(headers)) ?? "accept"];
      else if (kind === 6 || !document) body = bytes(body ?? "");
      else {
        document = restructured(document);
        body = JSON.stringify(document);
      }
    }
    return { method, path, headers, body: method === "GET" || method === "HEAD" ? undefined : body };
  };
}
