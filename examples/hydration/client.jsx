// Takes the page over in the browser. Splitlight's script has run by then, so the first render says what the edge wrote.
import { hydrateRoot } from "react-dom/client";
import { Document, Shop } from "./app.jsx";

const root = document.getElementById("root");
const options = { onRecoverableError: (error) => console.error("hydration:", error) };
if (root) hydrateRoot(root, <Shop naive={"naive" in root.dataset} />, options);
else {
  const script = document.querySelector("script[data-key]");
  hydrateRoot(document, <Document script={script.getAttribute("src")} writeKey={script.dataset.key} />, options);
}
