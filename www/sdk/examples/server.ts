// In Node or a Worker: decides for a request, with the published program.
import { load } from "splitlight";

const { ok, decide } = await load({ api: "https://worker.example/_sl" });

export function render(request: Request, visitor: string): string {
  const answer = decide({
    id: visitor, url: request.url, userAgent: request.headers.get("user-agent") ?? "",
    // Only the visitor's device knows it.
    history: null,
  });
  const headline: string = answer.variation("hero-copy", "control");
  return `${ok} ${headline} ${answer.reason("hero-copy")} ${answer.feature<boolean>("new-checkout", false)}`;
}
