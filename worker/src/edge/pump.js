// Moves a page from the origin to the visitor, through the core as long as there is something to change. The loop is
// here because a promise costs the core more than the page does, and because it outlives a core that aborts.

// The first block is small, so that what the visitor sees first does not wait; later ones cost less per byte.
const FIRST_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

export function rewritten(origin, page, context) {
  const { readable, writable } = new IdentityTransformStream();
  context.waitUntil(pump(origin, page, writable));
  return readable;
}

async function pump(origin, page, sent) {
  const reader = origin.getReader({ mode: "byob" });
  const writer = sent.getWriter();
  try {
    let buffer = new ArrayBuffer(FIRST_BYTES);
    while (!page.isDone()) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      const out = done ? page.end() : page.write(value);
      // Waits until the visitor has taken it, so that no page is ever held in memory.
      if (out.length > 0) await writer.write(out);
      if (done) return await writer.close();
      buffer = value.buffer.byteLength < BLOCK_BYTES ? new ArrayBuffer(BLOCK_BYTES) : value.buffer;
    }
    page.free();
  } catch (error) {
    // The origin, the visitor or the core is gone: both ends hear of it, and nobody takes half a page for a whole one.
    await Promise.allSettled([writer.abort(error), reader.cancel(error)]);
    return;
  }
  // Nothing is left to do, and the runtime copies the rest by itself.
  reader.releaseLock();
  writer.releaseLock();
  await origin.pipeTo(sent).catch(() => {});
}
