// The package's types, in every runtime.

/** What the Worker answers at `/_sl/program`: the published program, and what a page has to know beside it. */
export interface Site {
  config: string;
  program: string;
  slots?: Record<string, string[]>;
  asks?: Record<string, string[]>;
  events?: object[];
  redirectHosts?: string[];
}

export type Json = string | number | boolean | null | undefined | Json[] | { [name: string]: Json };
export type Attributes = Record<string, Json>;
/** To both purposes, to none, or to one of them alone. */
export type Consent = "granted" | "denied" | "measurement" | "personalization";

export interface Options {
  /** The write key; it is public. */
  key: string;
  /** The address of the Worker's own paths; `/_sl` on the page's host when missing. */
  api?: string;
  /** The program, when it is at hand; nothing is loaded then. */
  site?: Site;
  consent?: Consent | "pending";
  /** Whose word on consent counts, any of `tcf`, `gcm`, `gpc` and `dnt`. */
  signals?: string;
  /** Counts a variation once half of what it changes was in sight. */
  exposure?: "visible";
  /** Events that nobody has to write, such as `view click scroll`. */
  track?: string;
  /** Hosts beside the page's own to which a variation may redirect. */
  redirectHosts?: string | string[];
  /** Who else is told of exposures: `gtag`, `segment`. */
  bridge?: string;
  attributes?: Attributes;
  user?: string;
}

export interface Outcome {
  ok: boolean;
  /** Who decided: the edge, the script's wasm, the same core as JavaScript, or nobody. */
  source: "edge" | "script" | "plain" | "none";
  error?: unknown;
}

export interface Decision {
  key: string;
  kind: "experiment" | "personalization";
  variation: string | null;
  /** `assigned`, `sticky` and `forced` are in force; any other says which gate was closed. */
  reason: string;
  applied: boolean;
}

export interface Gate {
  gate: string;
  open: boolean | "unknown" | "unsupported";
  [looked: string]: unknown;
}

export interface Explanation {
  key: string;
  kind: "experiment" | "personalization";
  variation: string | null;
  variations: string[];
  reason: string;
  exposure: boolean;
  gates: Gate[];
}

export interface History {
  events: { event: string; only: string[]; days: Bucket[]; minutes: Bucket[]; values: { of: string; value: number }[] }[];
  session?: unknown;
  firstTouch?: unknown;
  lastTouch?: unknown;
}
export interface Bucket { from: string; count: number; sum: number }

/** The API of a page. Nothing of it throws; before `init()`, and on a server, it answers the fallbacks. */
export interface Splitlight {
  init(options?: Options): Promise<Outcome>;
  variation(key: string): string | undefined;
  variation<F>(key: string, fallback: F): string | F;
  /** As `variation`, without an exposure. */
  peek(key: string): string | undefined;
  peek<F>(key: string, fallback: F): string | F;
  value<T = unknown>(key: string, fallback?: T): T;
  feature<T = unknown>(key: string, fallback?: T): T;
  isOn(key: string): boolean;
  /** The value of the personalization that has a slot. */
  content<T = unknown>(slot: string, fallback?: T): T;
  decisions(): Decision[];
  visitorId(): string | null;
  explain(key: string): Promise<Explanation | undefined>;
  explain(): Promise<{ items: Explanation[]; features: unknown[] } | undefined>;
  history: { export(): Promise<History | undefined> };
  /** Properties with a `value` in minor units (cents), or the value alone. */
  track(name: string, given?: Attributes | number): void;
  identify(user: string): void;
  setAttributes(attributes: Attributes): void;
  consent(answer: Consent): void;
  /**
   * Wipes everything of the visitor here, and has the collector forget them; nothing is recorded until they agree again.
   * Says whether the collector has; if not, every later page asks it again.
   */
  forget(): Promise<boolean | undefined>;
  /** Is called after each decision; gives what ends that. */
  onChange(watcher: (decisions: Decision[]) => void): () => void;
  destroy(): void;
}

export const splitlight: Splitlight;
export default splitlight;
