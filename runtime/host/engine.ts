import type { HostCallFrame } from "../protocol.ts";
import type { HostCalls } from "./host-calls.ts";

/** Runs the tools of one unit; what a call leaves behind, the next one cannot see. */
export interface Engine {
  /** The output as JSON text. Throws what the guest throws, or `GuestStop`. */
  call(request: EngineCall): EngineReply;
  /** Calls that are prepared. */
  readonly spares: number;
  /** Whether to prepare takes microseconds: then it is done after each call, unasked. */
  readonly isQuickToPrepare: boolean;
  /** Prepares one more call, unless there are enough; called while nobody waits. */
  prepare(memoryMiB: number): void;
  dispose(): void;
}

export interface EngineCall {
  readonly frame: HostCallFrame;
  readonly input: string;
  readonly hostCalls: HostCalls;
}

export interface EngineReply {
  readonly output: string;
  readonly memoryMiB: number;
}
