// A page that a server renders, the edge changes and React hydrates: all three have to say the same, or React takes the change back.
import { useState } from "react";

/** What the visitor's variation says; nothing on the server, which renders the same page for everybody. */
const said = (key) => globalThis.splitlight?.value(key);

/**
 * The shop.
 *
 * The heading reads its text where it is rendered, so it stays right however often React renders it. The offer is React's
 * to place and not to write: it takes over what it finds.
 * @param {{ naive?: boolean }} props `naive` for a page that knows nothing of variations, as a warning example.
 */
export function Shop({ naive }) {
  const [bought, setBought] = useState(0);
  return (
    <main>
      <h1 id="hero">{(!naive && said("hero")?.title) || "Good things"}</h1>
      <p id="offer" suppressHydrationWarning={!naive}>Free returns</p>
      <button onClick={() => setBought(bought + 1)}>Bought {bought}</button>
    </main>
  );
}

/** The shop as a whole document, for frameworks that hydrate all of it. */
export function Document({ script, writeKey }) {
  return (
    <html lang="en">
      <head>
        <title>Shop</title>
        <script src={script} data-key={writeKey} />
      </head>
      <body>
        <Shop />
      </body>
    </html>
  );
}
