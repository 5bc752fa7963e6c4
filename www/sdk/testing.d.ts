// The types of the helper for tests.
import type { Attributes, Decision, Explanation, History, Site } from "./index.js";

export type Recorded =
  | { kind: "exposure"; experiment: string; variation: string; time: number }
  | { kind: "conversion"; name: string; value: number | null; properties: Attributes; time: number };

export interface Test {
  /** What was recorded, oldest first. */
  events: Recorded[];
  variation(key: string): string | undefined;
  variation<F>(key: string, fallback: F): string | F;
  peek(key: string): string | undefined;
  peek<F>(key: string, fallback: F): string | F;
  feature<T = unknown>(key: string, fallback?: T): T;
  decisions(): Omit<Decision, "applied">[];
  explain(key: string): Explanation | undefined;
  history: { export(): History };
  track(name: string, given?: Attributes | number): void;
  visit(url: string, referrer?: string): void;
  identify(user: string): void;
  setAttributes(attributes: Attributes): void;
  consent(word: "granted" | "denied" | "pending" | "measurement" | "personalization"): void;
  setGeo(place: Attributes | undefined): void;
  setTime(at: Date | string | number): void;
  advance(ms: number): void;
  /** Shows a variation whatever is decided, without an exposure; null decides again. Throws for a key it does not know. */
  forceVariation(key: string, variation: string | null): void;
}

export function createTest(given: {
  site: Site;
  visitor?: string;
  url?: string;
  now?: Date | string | number;
  geo?: Attributes;
  attributes?: Attributes;
}): Test;
