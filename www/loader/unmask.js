// Text to bytes by a few instructions of wasm: JavaScript that runs for the first time takes more than twice as long.
import { bytes, encoder } from "./bytes.js";

/** Gives what does as `bytes` does; what it gave is gone when it is asked again. Throws where wasm is refused. */
export const openUnmask = () => {
  const { m: memory, d: unmask } = new WebAssembly.Instance(new WebAssembly.Module(bytes("@@UNMASK@@"))).exports;
  return (text, mask = 0) => {
    // Two bytes for each character, as U+0080 to U+00FF have.
    memory.grow((text.length >> 15) + 1);
    const out = new Uint8Array(memory.buffer);
    return out.subarray(0, unmask(encoder.encodeInto(text, out).written, mask));
  };
};
