// The package in Node.
import { readFileSync } from "node:fs";
import { serve } from "./server.js";

let module;
const compiled = () => (module ??= new WebAssembly.Module(readFileSync(new URL("./splitlight.wasm", import.meta.url))));

export const { splitlight, load } = serve(compiled);
export default splitlight;
