// The decide-only build, which is a part of the page: which variations the visitor has, before the script is there.
//
// It gives `variation` and `peek` to the queue `window.splitlight`. The script, when it comes, takes over what was decided
// as it takes it from the edge, and counts what was read.
import { MASK, bytes } from "./bytes.js";
import { encode } from "./core.js";
import { MEASUREMENT, PERSONALIZATION, consentNow, isAgreed, keepId, keptId } from "./device.js";
import { newId } from "./ids.js";
import { siteSays } from "./signals.js";

const HANDOVER = "splitlight-handover";

// The answers for this visitor, as the edge hands them over.
const choose = (options, consent) => {
  let id = keptId();
  if (!id) keepId((id = newId()));
  const { referrer } = document;
  const { userAgent, language } = navigator;
  const facts = encode([id, options.user, location.href, referrer, userAgent, language, { ...options.attributes }]);
  const program = bytes("@@PROGRAM@@");
  const decisions = [];
  const decoder = new TextDecoder();
  const read = (at, length) => decoder.decode(new Uint8Array(core.memory.buffer, at, length));
  const tell = (key, keyLength, variation, variationLength, reason, reasonLength, changes) =>
    decisions.push({
      key: read(key, keyLength),
      variation: read(variation, variationLength),
      reason: read(reason, reasonLength),
      left: [...Array(changes).keys()],
    });
  const core = new WebAssembly.Instance(new WebAssembly.Module(bytes("@@WASM@@", MASK)), { _: [tell] }).exports;
  const at = core.room(program.length + facts.length);
  new Uint8Array(core.memory.buffer).set([...program, ...facts], at);
  core.choose(program.length, isAgreed(consent, MEASUREMENT), isAgreed(consent, PERSONALIZATION), Date.now());
  return decisions;
};

try {
  const queue = (window.splitlight ??= []);
  if (!queue.version) {
    const table = new Map();
    queue.peek = (key, fallback) => table.get(key) ?? fallback;
    queue.variation = (key, fallback) => {
      queue.push((it) => it.variation(key));
      return queue.peek(key, fallback);
    };
    const options = { ...document.currentScript?.dataset, ...window.splitlight_config };
    const consent = consentNow(siteSays(options.consent, `${options.signals ?? ""}`));
    const rendered = document.getElementById(HANDOVER);
    if (rendered) {
      // The edge has decided.
      for (const { key, variation, reason } of JSON.parse(rendered.textContent).decisions) {
        if (/^(assigned|sticky|forced)$/.test(reason)) table.set(key, variation);
      }
    } else if (isAgreed(consent)) {
      // While there is no answer, an id would be of this page alone, and the script has one.
      const decisions = choose(options, consent);
      for (const { key, variation } of decisions) table.set(key, variation);
      const element = document.createElement("template");
      element.id = HANDOVER;
      element.textContent = JSON.stringify({ decisions });
      document.head.append(element);
    }
  }
} catch (error) {
  console.warn("Splitlight could not decide:", error);
}
