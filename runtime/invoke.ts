import type { Capabilities } from "./policy/capabilities.ts";
import type { Limits } from "./policy/limits.ts";
import type { JsonValue } from "./protocol.ts";

export type Trust = "first-party" | "verified" | "community";
export type Engine = "isolate" | "wasm";

/** A skill as the runtime runs it. Must not change while the runtime is open. */
export interface SkillCode {
  readonly name: string;
  readonly version: string;
  /** sha256 of the package in hex: the skill's identity in records. */
  readonly digest: string;
  readonly trust: Trust;
  readonly engine: Engine;
  /** A wasm module, or the UTF-8 text of an ES module without imports. */
  readonly code: Uint8Array;
  readonly tools: readonly ToolContract[];
  readonly capabilities: Capabilities;
  /** Lowers the policy's limits, never raises them. */
  readonly limits?: { readonly [Name in keyof Limits]?: number | undefined } | undefined;
  /** Who signed it, where a signature was verified. */
  readonly publisher?: string | undefined;
}

export interface ToolContract {
  readonly name: string;
  /** JSON Schema, draft 2020-12. */
  readonly inputSchema: JsonValue;
  readonly outputSchema?: JsonValue | undefined;
  /** What it does, as its manifest says; where that does not, it is taken for `external`. */
  readonly effects?: readonly Effect[] | undefined;
}

/** `read` looks, `write` changes what is the skill's own, `external` reaches the outside. */
export type Effect = "read" | "write" | "external";

export interface InvokeRequest {
  readonly skill: SkillCode;
  readonly tool: string;
  readonly input: JsonValue;
  readonly userId: string;
  /** Names the call in records; made when absent. */
  readonly callId?: string | undefined;
  /** Lets policies apply that match this label, such as "offline". */
  readonly label?: string | undefined;
  /** Where `random` begins and what the clock shows, to replay a call; fresh when absent. */
  readonly replay?: { readonly seed: string; readonly startMs: number } | undefined;
}

export type InvokeResult =
  | {
      readonly kind: "ok";
      readonly output: JsonValue;
      readonly usage: Usage;
      readonly policyHash: string;
    }
  | {
      readonly kind: "error";
      readonly error: SkillError;
      readonly usage: Usage;
      readonly policyHash: string;
    };

export interface SkillError {
  readonly code: SkillErrorCode;
  readonly message: string;
  /** The limit that stopped the call and what was used, in the unit of the limit's name. */
  readonly limit?: number;
  readonly used?: number;
  /** What set the limit or decided, as in "default.yaml:14: ceiling.wallMs". */
  readonly rule?: string;
}

export type SkillErrorCode =
  | "wall-time"
  | "cpu-time"
  | "memory"
  | "output-size"
  | "log-size"
  | "host-calls"
  /** Too many host calls in one second. */
  | "host-call-rate"
  /** Too many host calls unanswered at a time. */
  | "host-call-concurrency"
  /** No policy grants what the call needs. */
  | "denied"
  /** The sandbox process died of the guest. */
  | "crashed"
  | "invalid-input"
  | "invalid-output"
  /** The guest threw, or its code does not load. */
  | "failed"
  | "cancelled"
  /** The skill or the user had too many calls running for too long; nothing was run. */
  | "concurrency"
  /** No sandbox process became free in the call's queue time; nothing was run. */
  | "queue-time"
  /** Too many calls wait for a sandbox process; nothing was run. */
  | "overloaded"
  /** The skill was killed too often and is out of use for a while; nothing was run. */
  | "quarantined";

/** What one call took. `memoryMiB` is the guest's own at the end of the call, not its process's. */
export interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMiB: number;
  readonly outputBytes: number;
}
