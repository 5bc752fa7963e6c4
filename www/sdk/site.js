// The published program and what goes with it, from the Worker.

// As the field's SDKs wait for a config.
const ANSWER_MS_MAX = 3_000;

/** What `GET <api>/program` answers. */
export async function loadSite(api) {
  const url = `${api}/program`;
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: publish a config, and check the address`);
  const site = await response.json();
  if (typeof site?.program !== "string") throw new Error(`${url} is no program: is ${api} the address of the Worker's own paths?`);
  return site;
}
