import type { InvokeRequest, InvokeResult } from "./invoke.ts";

/** Runs skills in sandbox processes. Open until closed; calls may run side by side. */
export interface Runtime extends AsyncDisposable {
  /**
   * Runs one call. What the skill does wrong is an `error` result; rejects only when no sandbox
   * process can be started. Ends within 50 ms of `signal` with the error `cancelled`.
   */
  invoke(request: InvokeRequest, signal?: AbortSignal): Promise<InvokeResult>;
  stats(): RuntimeStats;
  /** Ends running calls as `cancelled` and kills every sandbox process. */
  close(): Promise<void>;
}

export interface RuntimeOptions {
  /** The folder of the policies, `*.yaml`. */
  readonly policyDir: string;
  /** Sandbox processes kept ready. */
  readonly minProcesses?: number | undefined;
  /**
   * Opens without waiting for the first processes: early calls wait for them. That none starts
   * shows as a notice and in the calls.
   */
  readonly startInBackground?: boolean | undefined;
  /** Calls that may run at the same time. */
  readonly maxProcesses?: number | undefined;
  /** Told after a call has ended, in the order the guest made its host calls. */
  readonly onHostCall?: ((record: HostCallRecord) => void) | undefined;
  /** Told what a guest logged, after its call has ended. */
  readonly onLog?: ((entry: SkillLog) => void) | undefined;
  readonly onNotice?: ((notice: RuntimeNotice) => void) | undefined;
}

/** One call of a guest to the outside. `seq` counts from 1 in each call. */
export interface HostCallRecord {
  readonly callId: string;
  readonly skillDigest: string;
  readonly seq: number;
  readonly name: string;
  readonly decision: "allowed" | "denied";
  /** What decided, as in "default.yaml: grants.clock". */
  readonly rule: string;
  readonly policyHash: string;
  readonly ms: number;
}

export interface SkillLog {
  readonly callId: string;
  readonly skillDigest: string;
  readonly text: string;
}

/** What an operator should know about the sandbox processes. */
export type RuntimeNotice =
  | {
      /** The supervisor ended a process for what its call did. */
      readonly kind: "process-killed";
      readonly pid: number;
      readonly reason: "wall-time" | "cpu-time" | "memory" | "cancelled" | "bad-frame" | "retired";
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
  | { readonly kind: "process-not-started"; readonly message: string };

export interface RuntimeStats {
  readonly processes: readonly ProcessStats[];
  readonly queued: number;
  readonly calls: number;
  readonly errors: number;
  /** Processes that a call cost. */
  readonly kills: number;
  readonly starts: number;
}

export interface ProcessStats {
  readonly pid: number;
  readonly state: "idle" | "busy";
  readonly calls: number;
}
