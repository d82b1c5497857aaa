import type { MessagePort } from "node:worker_threads";
import type { LiveFrame } from "#application/ports/live-frame.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";

/* What agent threads and the main thread say to each other. */

/** From an agent thread, in batches of one turn of its event loop. */
export type AgentNotice =
  /** The thread's end of a channel to the store; the other end comes along. */
  | { readonly kind: "store-port"; readonly port: MessagePort }
  | { readonly kind: "notes"; readonly notes: readonly AgentNote[] };

export type AgentNote =
  | {
      readonly kind: "shown";
      readonly sessionId: SessionId;
      readonly turnId: TurnId;
      readonly epoch: number;
      readonly frames: readonly LiveFrame[];
    }
  /** All the turn showed has been sent before this. */
  | {
      readonly kind: "ended";
      readonly turnId: TurnId;
      readonly epoch: number;
      readonly headSeq: number;
    };

/** To every agent thread, over the broadcast channel `AGENT_CHANNEL`. */
export interface AgentOrder {
  readonly kind: "cancel" | "abandon";
  readonly turnId: TurnId;
}

export const AGENT_CHANNEL = "nexflow-agents";

/** What an agent thread is started with. */
export interface AgentThreadData {
  /** The SQLite database, which every thread reads for itself; none where the store is Postgres. */
  readonly databaseFile: string | undefined;
  readonly policyDir: string;
  readonly skillsDir: string | undefined;
  readonly sandboxProcesses: number | undefined;
  readonly policyLabel: string | undefined;
  readonly allowMissingLayers: readonly string[];
  readonly maxCallRecords: number;
  readonly skillSecrets: Readonly<Record<string, string>>;
  readonly model: string;
  readonly openai: { readonly apiKey: string | undefined; readonly baseUrl: string | undefined };
  readonly maxSteps: number;
  readonly contextTokens: number;
  readonly turnTimeoutMs: number;
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  /** For masking: the values of `skillSecrets` are among them. */
  readonly secrets: readonly string[];
}
