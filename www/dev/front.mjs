// Plays Cloudflare's network for local work: says where the visitor is, as `request.cf`, and passes everything on.
// The cookie `demo_city` chooses the city, so one browser can travel.
const CITIES = {
  Madrid: ["Madrid", "Madrid", "ES", "Europe/Madrid", "40.41650", "-3.70256", "28001"],
  Barcelona: ["Barcelona", "Catalonia", "ES", "Europe/Madrid", "41.38879", "2.15899", "08001"],
  Paris: ["Paris", "Île-de-France", "FR", "Europe/Paris", "48.85341", "2.34880", "75001"],
};

function place(cookies) {
  const name = /(?:^|;\s*)demo_city=([A-Za-z]+)/.exec(cookies ?? "")?.[1];
  if (!Object.hasOwn(CITIES, name ?? "")) return { country: "US" };
  const [city, region, country, timezone, latitude, longitude, postalCode] = CITIES[name];
  return { city, region, country, continent: "EU", timezone, latitude, longitude, postalCode };
}

export default {
  fetch(request, env) {
    return env.SPLITLIGHT.fetch(new Request(request, { cf: place(request.headers.get("cookie")) }));
  },
};
