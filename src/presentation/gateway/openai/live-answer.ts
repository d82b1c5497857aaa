import type { HttpResponse } from "uWebSockets.js";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { LiveStream, StreamHooks } from "../event-streams.ts";
import type { Refusal } from "../replies.ts";
import { SseWriter } from "../sse-writer.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { type Answer, sseData } from "./answer.ts";
import { toOpenAiError } from "./openai-error.ts";
import { type TurnEnd, TurnReading, type TurnStep } from "./turn-reading.ts";

/** A turn whose answer somebody waits for. */
export interface AnsweredTurn {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  /** The session's last stored event before it. */
  readonly after: number;
}

export interface FollowTurn {
  readonly onStep: (step: Exclude<TurnStep, { kind: "ended" }>) => void;
  readonly onEnd: (end: TurnEnd) => void;
}

/** Shows the steps of a turn as they come. Fulfilled with what ends that. */
export async function followTurn(
  { followSession }: Pick<GatewayDeps, "followSession">,
  { turnId, ...from }: AnsweredTurn,
  { onStep, onEnd }: FollowTurn,
): Promise<() => void> {
  const reading = new TurnReading(turnId);
  let isOver = false;
  const followed = await followSession(from, (frames) => {
    for (const frame of frames) {
      for (const step of reading.read(frame)) {
        if (isOver) return;
        if (step.kind !== "ended") onStep(step);
        else {
          isOver = true;
          onEnd(step.end);
        }
      }
    }
  });
  if (followed.kind === "following") return () => followed.stop();
  if (!isOver) onEnd(GONE);
  return () => undefined;
}

const GONE: TurnEnd = { kind: "failed", code: "not-found", message: "The session is gone" };
/** What a client has read cannot be taken back. */
const RESTARTED: TurnEnd = {
  kind: "failed",
  code: "interrupted",
  message: "The server that answered died, and the answer was begun anew: ask for it again",
};

export interface AnswerStreamOptions extends StreamHooks {
  readonly answer: Answer;
  readonly follow: (follow: FollowTurn) => Promise<() => void>;
  /** What is to be done once the turn has ended, before the client may know. */
  readonly settle: (end: TurnEnd) => Promise<TokenUsage | undefined>;
  /** The client went away before the end. */
  readonly onAbandoned: () => void;
}

/** One client's stream of one answer. */
export class AnswerStream implements LiveStream {
  readonly #options: AnswerStreamOptions;
  readonly #writer: SseWriter;
  #isOver = false;
  #stop: (() => void) | undefined;

  constructor(response: HttpResponse, options: AnswerStreamOptions) {
    this.#options = options;
    this.#writer = new SseWriter(response, {
      onClosed: () => {
        this.#stop?.();
        if (!this.#isOver) options.onAbandoned();
        options.onClosed();
      },
      onSlow: () => options.onSlow(),
    });
    this.#writer.write([options.answer.begin()]);
    void this.#follow();
  }

  /** An answer that is under way may come to its end. */
  announce(): void {
    return undefined;
  }

  end(): void {
    this.#isOver = true;
    this.#writer.end();
  }

  refuse({ code, message }: Refusal): void {
    this.#isOver = true;
    this.#writer.end(sseData({ error: toOpenAiError({ status: 401, code, message }) }));
  }

  closed(): void {
    this.#writer.closed();
  }

  async #follow(): Promise<void> {
    const { answer, follow, onFailed } = this.#options;
    try {
      const stop = await follow({
        onStep: (step) => {
          if (step.kind === "restarted" && answer.text !== "") void this.#finish(RESTARTED);
          const text = this.#isOver ? "" : answer.read(step);
          if (text !== "") this.#writer.write([text]);
        },
        onEnd: (end) => void this.#finish(end),
      });
      if (this.#writer.isOver) stop();
      else this.#stop = stop;
    } catch (error) {
      onFailed(error);
      this.end();
    }
  }

  async #finish(end: TurnEnd): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { answer, settle, onFailed } = this.#options;
    try {
      this.#writer.finish(answer.end(end, await settle(end)));
    } catch (error) {
      onFailed(error);
      this.#writer.end();
    }
  }
}
