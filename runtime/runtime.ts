import type { Kv } from "./broker/kv.ts";
import type { InvokeRequest, InvokeResult, SkillCode, SkillErrorCode, Usage } from "./invoke.ts";
import type { CallDecision } from "./policy/decide-call.ts";
import type { Verdict } from "./policy/grants.ts";
import type { JsonValue } from "./protocol.ts";

/** Runs skills in sandbox processes. Open until closed; calls may run side by side. */
export interface Runtime extends AsyncDisposable {
  /**
   * Runs one call. What the skill does wrong is an `error` result; rejects only when no sandbox
   * process can be started. Ends within 50 ms of `signal` with the error `cancelled`.
   */
  invoke(request: InvokeRequest, signal?: AbortSignal): Promise<InvokeResult>;
  /** What the policy says of a call before it is made. Does not wait and has no effect. */
  decide(call: CallQuery): CallDecision;
  stats(): RuntimeStats;
  /** Lets a quarantined skill run again. */
  release(skillDigest: string): void;
  /**
   * Ends running calls as `cancelled` and kills every sandbox process. Once it resolves nothing is
   * told any more.
   */
  close(): Promise<void>;
}

export interface CallQuery {
  readonly skill: SkillCode;
  readonly tool: string;
  readonly label?: string | undefined;
}

export interface RuntimeOptions {
  /** The folder of the policies, `*.yaml`; read again when a file in it changes. */
  readonly policyDir: string;
  /** Sandbox processes kept ready. */
  readonly minProcesses?: number | undefined;
  /** Sandbox processes there may be. */
  readonly maxProcesses?: number | undefined;
  /**
   * Opens without waiting for the first processes: early calls wait for them. That none starts
   * shows as a notice and in the calls.
   */
  readonly startInBackground?: boolean | undefined;
  /** Where skills keep values; in memory when absent. */
  readonly kv?: Kv | undefined;
  /** The values of secrets by name. A secret that is not here cannot be used. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** Looks up the addresses of a host name; the system's own when absent. */
  readonly resolveHost?:
    | ((host: string) => Promise<readonly { readonly address: string }[]>)
    | undefined;
  /** Layers without which community skills run here all the same, by name. */
  readonly allowMissingLayers?: readonly string[] | undefined;
  /** Told of each host call once it is answered; never of one whose call has been told. */
  readonly onHostCall?: ((record: HostCallRecord) => void) | undefined;
  /** Told of each call when it has ended, refused ones included. */
  readonly onCall?: ((record: CallRecord) => void) | undefined;
  /** Told what a guest logged. */
  readonly onLog?: ((entry: SkillLog) => void) | undefined;
  readonly onNotice?: ((notice: RuntimeNotice) => void) | undefined;
}

/** One call of a guest to the outside. `seq` counts from 1 in each call. */
export interface HostCallRecord {
  readonly callId: string;
  readonly skillDigest: string;
  readonly seq: number;
  readonly name: string;
  readonly decision: Verdict;
  /** What decided, as in "default.yaml:21: grants.clock". */
  readonly rule: string;
  readonly policyHash: string;
  readonly ms: number;
  /** sha256 in hex of the canonical JSON of the arguments and, where there is one, the body. */
  readonly argsHash: string;
  readonly argsBytes: number;
  readonly resultHash: string;
  readonly resultBytes: number;
  /** The values themselves without secrets, where the policy says `record: full`. */
  readonly args?: JsonValue | undefined;
  readonly result?: JsonValue | undefined;
}

/** One call of a skill; with its host calls it can be replayed. */
export interface CallRecord {
  readonly callId: string;
  readonly skill: { readonly name: string; readonly version: string; readonly digest: string };
  readonly tool: string;
  readonly userId: string;
  readonly policyHash: string;
  readonly seed: string;
  readonly startMs: number;
  readonly inputHash: string;
  readonly inputBytes: number;
  readonly outcome: "ok" | SkillErrorCode;
  /** The limit's or grant's line that ended the call, where one did. */
  readonly rule?: string | undefined;
  readonly usage: Usage;
  readonly hostCalls: number;
}

export interface SkillLog {
  readonly callId: string;
  readonly skillDigest: string;
  readonly text: string;
}

/** Why the supervisor ended a process; `halted`: its guest went on past a limit. */
export type KillReason =
  | "wall-time"
  | "cpu-time"
  | "memory"
  | "cancelled"
  | "halted"
  | "bad-frame"
  | "retired";

/** What an operator should know about the sandbox processes and policies. */
export type RuntimeNotice =
  | {
      /** The supervisor ended a process for what its call did. */
      readonly kind: "process-killed";
      readonly pid: number;
      readonly reason: KillReason;
      readonly callId: string;
      readonly skillDigest: string;
    }
  | {
      /** A process ended by itself during a call. */
      readonly kind: "process-died";
      readonly pid: number;
      readonly signal: string | null;
      readonly exitCode: number | null;
      /** The beginning of what the process wrote, bounded. */
      readonly stderr: string;
      readonly callId: string;
      readonly skillDigest: string;
    }
  | { readonly kind: "process-not-started"; readonly message: string }
  /** The skill was killed too often: its calls are refused until then. */
  | {
      readonly kind: "skill-quarantined";
      readonly skill: string;
      readonly skillDigest: string;
      readonly kills: number;
      readonly untilMs: number;
    }
  /** The changed policies are in force for calls from now on. */
  | { readonly kind: "policies-loaded"; readonly policies: readonly string[] }
  /** The changed policies cannot be used: the last good ones stay in force. */
  | { readonly kind: "policies-rejected"; readonly message: string };

export interface RuntimeStats {
  readonly processes: readonly ProcessStats[];
  readonly queued: number;
  readonly calls: number;
  readonly errors: number;
  /** Processes that a call cost. */
  readonly kills: number;
  readonly starts: number;
  readonly quarantined: readonly QuarantinedSkill[];
  readonly layers: readonly LayerState[];
}

export interface ProcessStats {
  readonly pid: number;
  readonly state: "spare" | "idle" | "busy";
  readonly calls: number;
  /** Whose calls it runs, as in "community/isolate/alice"; absent while it is a spare. */
  readonly cordon?: string | undefined;
}

export interface QuarantinedSkill {
  readonly name: string;
  readonly digest: string;
  readonly kills: number;
  readonly untilMs: number;
}

/** A layer around every sandbox process, in force or not, with the reason. */
export interface LayerState {
  readonly name: string;
  readonly isInForce: boolean;
  readonly detail: string;
}
