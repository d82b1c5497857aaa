import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { HttpReply } from "../http-reply.ts";
import type { TurnEnd, TurnStep } from "./turn-reading.ts";

/** An answer in the making, in the form of one of the two protocols. */
export interface Answer {
  /** What its client has of its text. */
  readonly text: string;
  /** The events with which its stream begins. */
  begin(): string;
  /** The events that show a step; empty where there is nothing to show. */
  read(step: TurnStep): string;
  /** The events with which its stream ends. */
  end(end: TurnEnd, usage: TokenUsage | undefined): string;
  /** The whole of it, for who wants no stream; `undefined` where it still waits for people. */
  whole(end: TurnEnd | undefined, usage: TokenUsage | undefined): HttpReply;
}

/** An event whose kind its data says, or that has no kind. */
export function sseData(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
