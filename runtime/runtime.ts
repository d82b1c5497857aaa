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
  /** Calls that may run at the same time. */
  readonly maxProcesses?: number | undefined;
  readonly onHostCall?: ((record: HostCallRecord) => void) | undefined;
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

/** What an operator should know about the sandbox processes. */
export type RuntimeNotice =
  | {
      readonly kind: "process-killed";
      readonly pid: number;
      readonly reason: "wall-time" | "cancelled" | "bad-frame" | "recycled";
      readonly skillDigest?: string;
    }
  | {
      readonly kind: "process-died";
      readonly pid: number;
      readonly signal: string | null;
      readonly exitCode: number | null;
      /** The last lines the process wrote, bounded. */
      readonly stderr: string;
      readonly skillDigest?: string;
    }
  | { readonly kind: "process-not-started"; readonly message: string };

export interface RuntimeStats {
  readonly processes: readonly ProcessStats[];
  readonly queued: number;
  readonly calls: number;
  readonly errors: number;
  readonly kills: number;
  readonly starts: number;
}

export interface ProcessStats {
  readonly pid: number;
  readonly state: "starting" | "idle" | "busy";
  readonly calls: number;
}
