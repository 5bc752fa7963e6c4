// A static file server over a workerd disk service: what an origin or Cloudflare's assets do, for local work.
const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
  ico: "image/x-icon",
  wasm: "application/wasm",
  woff2: "font/woff2",
  txt: "text/plain; charset=utf-8",
  md: "text/plain; charset=utf-8",
};

export default {
  async fetch(request, env) {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("method not allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const { pathname, search } = new URL(request.url);
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const file = await open(env, path, request.method);
    if (file === "folder") return new Response(null, { status: 308, headers: { location: `${pathname}/${search}` } });
    if (file) return answer(request, path, file, 200);
    const page = await open(env, "/404.html", request.method);
    if (page) return answer(request, "/404.html", page, 404);
    return new Response("not found\n", { status: 404, headers: { "content-type": TYPES.txt } });
  },
};

// The file's response, "folder", or nothing. Hidden files are refused by the disk service.
async function open(env, path, method) {
  const file = await env.FILES.fetch(`http://files${path}`, { method });
  if (file.ok && file.headers.has("last-modified") && !listing(path, file)) return file;
  await file.body?.cancel();
  return listing(path, file) ? "folder" : null;
}

// The disk service answers a folder with a JSON listing, and gives no file that type.
function listing(path, file) {
  return file.ok && file.headers.get("content-type") === "application/json";
}

function answer(request, path, file, status) {
  const modified = Date.parse(file.headers.get("last-modified"));
  const size = file.headers.get("content-length") ?? "";
  const etag = `W/"${modified.toString(36)}-${size}"`;
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()] ?? "application/octet-stream";
  const headers = { "content-type": type, "cache-control": "no-cache", etag };
  if (status === 200 && (request.headers.get("if-none-match") ?? "").split(/,\s*/).includes(etag)) {
    file.body?.cancel();
    return new Response(null, { status: 304, headers });
  }
  if (request.method === "HEAD" && size) headers["content-length"] = size;
  return new Response(file.body, { status, headers });
}
