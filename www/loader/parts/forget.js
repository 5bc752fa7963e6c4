// Asks the collector to forget visitors: until it has answered, on this page and on every later one.
import { FORGET, cookie, setCookie } from "../device.js";

const RETRY_MS = [0, 1_000, 5_000];
const ANSWER_MS_MAX = 10_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const ask = async (url, key, one) => {
  // The edge's signature shows that the id is theirs, where the collector takes no other.
  const [visitor, signature] = one.split(".");
  const body = JSON.stringify({ key, visitor, signature });
  try {
    const signal = AbortSignal.timeout?.(ANSWER_MS_MAX);
    return (await fetch(url, { method: "POST", body, keepalive: true, signal })).ok;
  } catch {
    return false;
  }
};

const noted = () => (cookie(FORGET) ?? "").split("~").filter(Boolean);

// Whoever was forgotten is taken off the note; another tab may have written it meanwhile.
const settle = (done) => {
  if (!done.length && noted().length) return;
  const left = noted().filter((one) => !done.includes(one)).join("~");
  setCookie(FORGET, left, left ? undefined : 0);
};

/** Says whether the collector has forgotten all of them; who was never known needs no forgetting. */
export default async ([, { key }, base], id) => {
  let open = noted();
  // Where cookies are refused the id is of this page only.
  if (id && !open.some((one) => one.split(".")[0] === id)) open.push(id);
  for (const delay of RETRY_MS) {
    await sleep(delay);
    const done = await Promise.all(open.map((one) => ask(`${base}/forget`, key, one)));
    settle(open.filter((_, at) => done[at]));
    open = open.filter((_, at) => !done[at]);
    if (!open.length) break;
  }
  return !open.length;
};
