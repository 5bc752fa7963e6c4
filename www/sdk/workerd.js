// The package in workerd and Cloudflare Workers, where a module of wasm is imported compiled.
import module from "./splitlight.wasm";
import { serve } from "./server.js";

export const { splitlight, load } = serve(() => module);
export default splitlight;
