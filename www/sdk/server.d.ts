// The package's types on a server.
import type { Attributes, Decision, Explanation, Site } from "./index.js";
export * from "./index.js";
export { default } from "./index.js";

/** Whom to decide for. */
export interface Visitor {
  id?: string;
  user?: string;
  url?: string;
  referrer?: string;
  userAgent?: string;
  /** Such as the request's `Accept-Language`. */
  language?: string;
  attributes?: Attributes;
  consent?: "granted" | "denied" | "pending" | "measurement" | "personalization";
  /** Variations that were kept, as `kept` of an earlier answer. */
  kept?: string;
  /** The bytes of a history; null where it is not known, so that what asks about it is deferred to the browser. */
  history?: Uint8Array | null;
}

export interface Answer {
  variation(key: string): string | undefined;
  variation<F>(key: string, fallback: F): string | F;
  reason(key: string): string | undefined;
  feature<T = unknown>(key: string, fallback?: T): T;
  decisions(): Omit<Decision, "applied">[];
  explain(key: string): Explanation | undefined;
  /** What is to be kept for this visitor; empty when nothing new is. */
  kept: string;
  /** The program's hash. */
  config: string;
}

export interface Loaded {
  ok: boolean;
  source: "network" | "given" | "none";
  error?: unknown;
  /** Decides at a time in milliseconds since 1970, now when missing. Without a program it answers the fallbacks. */
  decide(visitor: Visitor, now?: number): Answer;
}

/** Loads the published program. Never throws. */
export function load(given: { api: string } | { site: Site }): Promise<Loaded>;
