import type { Failure } from "#domain/shared/fault.ts";

/** How one tiny call of a model came out. */
export type ModelTest =
  | {
      readonly kind: "answered";
      readonly model: string;
      readonly text: string;
      readonly firstTokenMs: number;
      readonly totalMs: number;
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  | {
      readonly kind: "failed";
      readonly model: string;
      readonly failure: Failure;
      readonly totalMs: number;
    };

/** How far a model server is with fetching a model: with one part of it at a time. */
export interface PullProgress {
  /** In the server's words, as "pulling manifest". */
  readonly status: string;
  readonly totalBytes?: number;
  readonly doneBytes?: number;
}
