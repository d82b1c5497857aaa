/**
 * Types for the code of a skill that runs in an isolate: one ES module that exports `run`. Copy
 * this file beside your code, or name it in a JSDoc import; nothing of it is left when the code
 * runs. Set `"lib": ["es2024"]` and `"types": []`: a guest has the language and no more.
 *
 * What holds for every call of the host:
 * - It needs its capability in `nexflow.json` and a grant in the operator's policy. Without, it is
 *   denied: it throws or rejects with an `Error` whose message says what is not granted. A skill may
 *   catch that and do without; one that lets it through ends as `denied`.
 * - It is counted and on record, a denied one as well. Past a limit (number, rate, at once, log) the
 *   call of the skill has failed with that limit's error, whatever it catches: no further call of
 *   the host is answered, and what the skill returns does not count.
 */

/**
 * What the module exports as `run`. `tool` is the tool's name, `input` has passed its schema; what
 * is returned is taken as JSON and held to the output schema. Throw an `Error` to refuse: its
 * message is what the model and the person read. Nothing is kept from one call to the next.
 */
export type Run<Input = unknown, Output = unknown> = (
  tool: string,
  input: Input,
  host: Host,
) => Output | Promise<Output>;

export interface Host {
  /** For operators, not for the model. All texts of a call together are held to `logKiB`. */
  log(text: string): void;
  /** Milliseconds since 1970; `Date.now()` is the same, read once. Wants `clock`. */
  now(): number;
  /** From 0 to 1, 1 left out; `Math.random()` is the same. Wants `random`. */
  random(): number;
  readonly config: HostConfig;
  readonly kv: HostKv;
  readonly http: HostHttp;
  /** Not there yet: rejects in this version, whatever is granted. */
  schedule(request: ScheduleRequest): Promise<never>;
}

/** What the operator tells the skill: plain values, no secrets. Wants `config`. */
export interface HostConfig {
  /** The value of `name`, or undefined where the operator has set none. */
  get(name: string): Promise<string | undefined>;
}

/**
 * Values that stay: of this skill alone, for this user alone, across versions. Keys are up to 512
 * bytes of UTF-8 without control characters, values up to 64 KiB. Wants `kv`.
 */
export interface HostKv {
  get(key: string): Promise<Uint8Array | undefined>;
  /** The value as UTF-8 text. */
  getText(key: string): Promise<string | undefined>;
  /** Stores text as UTF-8. Rejects when the policy's quota has no room, and then stores nothing. */
  set(key: string, value: string | Uint8Array): Promise<void>;
  /** Whether there was such a key. */
  delete(key: string): Promise<boolean>;
  /** The keys that begin with `prefix`, in order of their bytes. */
  list(prefix?: string): Promise<string[]>;
}

/** Requests to the hosts that policy and manifest name. Wants `http`. */
export interface HostHttp {
  /**
   * Resolves with whatever the server answered, of any status. Redirects are followed as far as
   * the policy allows each. Rejects when the request is denied or malformed, fails, or takes more
   * time or bytes than its rule allows.
   */
  fetch(url: string, request?: HttpRequest): Promise<HttpReply>;
}

export interface HttpRequest {
  /** GET when absent. */
  readonly method?: string;
  /** `host` and what concerns the connection may not be set. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /**
   * Secrets by name, to be put where the policy says, outside the sandbox and for their audience
   * only. Their values are not to be had: an answer that repeats one is withheld.
   */
  readonly secrets?: readonly string[];
}

/** An answer, received as a whole and decompressed. */
export interface HttpReply {
  readonly status: number;
  /** Where it came from in the end. */
  readonly url: string;
  /** By lower-case name, without `set-cookie`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as UTF-8. */
  text(): string;
  /** The body as JSON. Throws where it is none. */
  json(): unknown;
  bytes(): Uint8Array;
}

export interface ScheduleRequest {
  readonly [name: string]: string | number | boolean;
}
