// What a request says, in one text: each question that the core asks the runtime by itself costs more than all of this.

// As in said.rs.
const HEADERS = [
  "accept", "upgrade", "range", "cookie", "user-agent", "accept-language", "referer", "sec-purpose", "purpose", "x-moz",
  "sec-gpc", "sec-fetch-mode", "if-none-match", "authorization",
];

const PLACE = ["country", "region", "city", "postalCode", "continent", "timezone", "latitude", "longitude"];

export function said(request) {
  const { headers, cf } = request;
  let text = `${request.method}\n${request.url}`;
  for (const name of HEADERS) text += `\n${headers.get(name) ?? ""}`;
  // As JSON there is no line break in it.
  return `${text}\n${cf ? JSON.stringify(cf, PLACE) : ""}`;
}
