import type { MessagePort } from "node:worker_threads";
import type { ShownFrames } from "#application/ports/live-frame.ts";
import type { Brake } from "#domain/brake/brake.ts";
import type { SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
import type { ModelAccess } from "../llm/model-access.ts";
import type { TracingOptions } from "../telemetry/open-tracer.ts";
import type { ThreadMeasures } from "../telemetry/thread-meter.ts";

/* What agent threads and the main thread say to each other. */

/** From an agent thread, in batches of one turn of its event loop. */
export type AgentNotice =
  /** The thread's end of a channel to the store; the other end comes along. */
  | { readonly kind: "store-port"; readonly port: MessagePort }
  /** The end of a task in the background is stored: its report can be made. */
  | { readonly kind: "reports-due" }
  | { readonly kind: "notes"; readonly notes: readonly AgentNote[] }
  | { readonly kind: "measured"; readonly measures: ThreadMeasures }
  /** What others kept for the thread is ended: it may be stopped. */
  | { readonly kind: "closed" };

export type AgentNote =
  | ({ readonly kind: "shown" } & ShownFrames)
  /** All the turn showed has been sent before this. */
  | {
      readonly kind: "ended" | "paused";
      readonly turnId: TurnId;
      readonly epoch: number;
      readonly headSeq: number;
    };

/** To every agent thread, over the broadcast channel `AGENT_CHANNEL`. */
export type AgentOrder =
  | { readonly kind: "cancel" | "abandon"; readonly turnId: TurnId }
  /** A call of a tool stops; its turn goes on. */
  | { readonly kind: "cancel-task"; readonly taskId: TaskId }
  /** All calls of a user or a session stop. */
  | { readonly kind: "stop-calls"; readonly owner: UserId | SessionId }
  /** All turns stop and none begins, or where there is no brake they may again. */
  | { readonly kind: "brake"; readonly brake: Brake | undefined }
  /** The server stops: the thread ends what others keep for it, and says when that is done. */
  | { readonly kind: "close" };

export const AGENT_CHANNEL = "nexflow-agents";

/** What an agent thread is started with. */
export interface AgentThreadData {
  /** The SQLite database, which every thread reads for itself; none where the store is Postgres. */
  readonly databaseFile: string | undefined;
  readonly policyDir: string;
  readonly skillsDir: string | undefined;
  /** Folders of skills that are text only. */
  readonly promptSkillDirs: readonly string[];
  readonly sandboxProcesses: number | undefined;
  readonly policyLabel: string | undefined;
  readonly allowMissingLayers: readonly string[];
  readonly maxCallRecords: number;
  readonly skillSecrets: Readonly<Record<string, string>>;
  readonly models: ModelAccess;
  readonly maxSteps: number;
  readonly contextTokens: number | undefined;
  readonly turnTimeoutMs: number;
  /** How long a turn waits for a call; 0: until it has ended. */
  readonly backgroundAfterMs: number;
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  readonly tracing: TracingOptions | undefined;
  /** For masking: the values of `skillSecrets` are among them. */
  readonly secrets: readonly string[];
}
