// A cache as the runtime asks one: what stands behind `caches.default` in a workerd of a test.

/** A Worker that keeps answers in memory; with the binding `IGNORES` set, it breaks the rule that decisions are a part of the address. */
export const CACHE = `
const held = new Map();
const of = (url, env) => env.IGNORES ? url.replace(/kept\\/[0-9a-f]+/, "kept") : url;
const decoder = new TextDecoder("latin1");
export default { async fetch(request, env) {
  const { url, method } = request;
  if (method === "PUT") {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const text = decoder.decode(bytes);
    const end = text.indexOf("\\r\\n\\r\\n");
    const headers = text.slice(0, end).split("\\r\\n").slice(1).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
    const of_name = (name) => headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? "";
    const seconds = Number(/max-age=(\\d+)/.exec(of_name("cache-control"))?.[1] ?? 0);
    if (of_name("set-cookie") || !seconds) return new Response(null, { status: 413 });
    let body = bytes.slice(end + 4);
    if (/chunked/i.test(of_name("transfer-encoding"))) return new Response("chunked", { status: 500 });
    held.set(of(url, env), { headers: headers.filter(([name]) => !/^content-length$/i.test(name)), body, until: Date.now() + seconds * 1000 });
    return new Response(null, { status: 204 });
  }
  if (url.endsWith("/held")) return Response.json([...held].map(([address, { headers }]) => ({ address, headers })));
  const found = held.get(of(url, env));
  if (!found || found.until < Date.now()) return new Response(null, { status: 504, headers: { "cf-cache-status": "MISS" } });
  return new Response(found.body, { headers: [...found.headers, ["cf-cache-status", "HIT"], ["age", "1"]] });
} };`;
