// Answers with a personalized page and moves it from the origin to the visitor, through the core as long as there is
// something to change. This is JavaScript because every call from the core to the runtime costs, and because the loop
// outlives a core that aborts.

// The first block is small, so that what the visitor sees first does not wait; later ones cost less per byte.
const FIRST_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

// A page is held in memory to be kept, but not a larger one.
const COPY_BYTES_MAX = 1024 * 1024;

// Buffers of pages that are done, for the next ones.
const spare = [];
const SPARE_MAX = 8;

// Headers that describe the origin's bytes, which are not what is sent, or who may keep them.
const OF_THE_BYTES = [
  "etag", "last-modified", "content-length", "content-encoding", "content-md5", "digest", "content-digest", "repr-digest",
  "accept-ranges", "age", "expires", "cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control",
];

// The origin's headers, as they are for a page that nobody but its visitor may see.
export function personal(origin, cacheControl, etag, cookie, timing) {
  const headers = new Headers(origin);
  for (const name of OF_THE_BYTES) headers.delete(name);
  headers.set("cache-control", cacheControl);
  headers.append("server-timing", timing);
  if (etag !== undefined) {
    headers.set("etag", etag);
    headers.append("vary", "cookie");
  }
  if (cookie !== undefined) headers.append("set-cookie", cookie);
  return headers;
}

// What comes out of a page; with an address, it is kept there for so many seconds.
export function rewritten(origin, page, context, headers, address, seconds) {
  const { readable, writable } = new IdentityTransformStream();
  const copy = address && { address, bytes: 0, parts: [], headers: keepable(headers, seconds) };
  context.waitUntil(pump(origin, page, writable, copy));
  return readable;
}

// The page that is kept under an address.
export const kept = (address) => caches.default.match(address);

// A page's headers without what they say to one visitor.
function keepable(headers, seconds) {
  const kept = new Headers(headers);
  for (const name of ["server-timing", "vary", "set-cookie"]) kept.delete(name);
  kept.set("cache-control", `public, max-age=${seconds}`);
  return kept;
}

// Keeps a page when all of it is there, so that no visitor waits for the cache and nobody gets half a page from it.
async function keep({ address, parts, headers }) {
  try {
    await caches.default.put(address, new Response(new Blob(parts), { headers }));
  } catch (error) {
    console.error(JSON.stringify({ source: "splitlight", event: "cache-full", detail: error.name }));
  }
}

async function pump(origin, page, sent, copy) {
  const reader = origin.getReader({ mode: "byob" });
  const writer = sent.getWriter();
  let buffer = spare.pop() ?? new ArrayBuffer(FIRST_BYTES);
  try {
    while (copy || !page.isDone()) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      const out = done ? page.end() : page.write(value);
      const full = value?.byteLength === value?.buffer.byteLength;
      buffer = value?.buffer ?? new ArrayBuffer(FIRST_BYTES);
      // Waits until the visitor has taken it, so that no page is ever held in memory.
      if (out.length > 0) await writer.write(out);
      copy?.parts.push(out);
      if (copy && (copy.bytes += out.length) > COPY_BYTES_MAX) copy = undefined;
      if (done) {
        await writer.close();
        page.free();
        return copy && (await keep(copy));
      }
      if (full && buffer.byteLength < BLOCK_BYTES) buffer = new ArrayBuffer(BLOCK_BYTES);
    }
    page.free();
  } catch (error) {
    // The origin, the visitor or the core is gone: both ends hear of it, and nobody takes half a page for a whole one.
    await Promise.allSettled([writer.abort(error), reader.cancel(error)]);
    return;
  } finally {
    if (buffer.byteLength > 0 && spare.length < SPARE_MAX) spare.push(buffer);
  }
  // Nothing is left to do, and the runtime copies the rest by itself.
  reader.releaseLock();
  writer.releaseLock();
  await origin.pipeTo(sent).catch(() => {});
}
