// What the server sends: the shop in a root element, or as a whole document.
import { renderToString } from "react-dom/server";
import { Document, Shop } from "./app.jsx";

/** A page whose root element React hydrates; `tag` is Splitlight's script element, which comes before React. */
export const page = (tag, naive) => `<!doctype html><html lang="en"><head><title>Shop</title>${tag}</head><body>`
  + `<div id="root"${naive ? " data-naive" : ""}>${renderToString(<Shop naive={naive} />)}</div><script src="/client.js"></script></body></html>`;

/** A page that React hydrates from `html` on. */
export const document = (tag) => `<!doctype html>${renderToString(<Document {...tag} />)}<script src="/client.js"></script>`;
