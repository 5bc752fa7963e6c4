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

// The origin's answer. With encodings, the request is for a page that we may rewrite: it asks for no other ones, and about no
// copy but the one with a tag, when there is a tag. Redirects are the visitor's to follow, so they pass.
export async function ask(request, env, encodings, tag) {
  let asked = request;
  if (encodings !== undefined) {
    asked = new Request(request);
    asked.headers.set("accept-encoding", encodings);
    asked.headers.delete("if-none-match");
    asked.headers.delete("if-modified-since");
    if (tag !== undefined) asked.headers.set("if-none-match", tag);
  }
  const redirect = { redirect: "manual" };
  if (env.ORIGIN) return env.ORIGIN.fetch(asked, redirect);
  const url = new URL(request.url);
  return fetch(new Request(env.ORIGIN_URL.replace(/\/+$/, "") + url.pathname + url.search, asked), redirect);
}
