// Reads results from the API with a read key, and asks for a body only when something changed.
const base = (document.querySelector('meta[name="splitlight-api"]')?.content || "/v1").replace(/\/$/, "");
const cache = new Map();

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Answers `{ data, changed }`; status 0 in a thrown ApiError means that the API did not answer. */
export async function get(path, key) {
  const known = cache.get(path);
  const headers = { Accept: "application/json", Authorization: `Bearer ${key}` };
  if (known?.etag) headers["If-None-Match"] = known.etag;
  let response;
  try {
    response = await fetch(base + path, { headers, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10000) });
  } catch {
    throw new ApiError(0, `The API at ${base} did not answer`);
  }
  if (response.status === 304 && known) return { data: known.data, changed: false };
  const data = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, data?.detail || data?.title || `The API answered ${response.status}`);
  if (!data) throw new ApiError(502, `The API at ${base} did not answer with JSON`);
  cache.set(path, { etag: response.headers.get("ETag"), data });
  return { data, changed: true };
}

/** Another key may see another project, so nothing read with the old one is kept. */
export const forget = () => cache.clear();
