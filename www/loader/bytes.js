// Bytes that are written as text, a character per byte: base64 would be a third larger.

/** What the build has added to each byte of the wasm (crates/xtask/src/inline.rs). */
export const MASK = 60;

export const encoder = new TextEncoder();

/** The bytes of a text, less what was added to each. */
export const bytes = (text, mask = 0) => {
  const out = new Uint8Array(text.length);
  for (let at = 0; at < out.length; at++) out[at] = text.charCodeAt(at) ^ mask;
  return out;
};
