import { randomUUID } from "node:crypto";
import type { AcceptMessageResult } from "#application/ports/accept-message.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { Transcript } from "#domain/transcript/transcript.ts";
import type { Principal } from "#domain/user/credential.ts";
import type { EventStreams } from "../event-streams.ts";
import type { HttpRequest } from "../http.ts";
import type { HttpReply, StreamReply } from "../http-reply.ts";
import { RequestsInFlight, readKey } from "../idempotency.ts";
import { problem } from "../problem.ts";
import type { RateLimits } from "../rate-limits.ts";
import * as reply from "../replies.ts";
import type { GatewayDeps } from "../use-cases.ts";
import type { Answer } from "./answer.ts";
import { type AnsweredTurn, AnswerStream, followTurn } from "./live-answer.ts";
import { refuse } from "./openai-error.ts";
import { isModelName } from "./request-parts.ts";
import type { TurnEnd } from "./turn-reading.ts";

export interface AnsweringDeps {
  readonly deps: GatewayDeps;
  readonly limits: RateLimits;
  readonly streams: EventStreams;
}

/** A request for an answer, in whichever of the two protocols. */
export interface Asked {
  readonly request: HttpRequest;
  readonly principal: Principal;
  readonly model: string;
  /** Until the end of the turn nobody waits for it. */
  readonly isBackground?: boolean;
  readonly isStream: boolean;
  /** What was said before, where the client keeps that itself: by it the session is found again. */
  readonly transcript?: Transcript;
  accept(named: {
    readonly clientMessageId: string;
    readonly isNamed: boolean;
  }): Promise<AcceptMessageResult>;
  createAnswer(turn: AnsweredTurn): Answer;
}

/** The answer may be stored a moment after it was shown. */
const SETTLE_MOST_MS = 5_000;

/** Has the agent answer, and shows its answer as it comes or as a whole. */
export function createAnswering({ deps, limits, streams }: AnsweringDeps) {
  const inFlight = new RequestsInFlight();

  return async function answer(asked: Asked): Promise<HttpReply | StreamReply> {
    const { request, principal, model } = asked;
    const { id: userId } = principal.user;
    if (!isModelName(model, deps)) return noModel(model);
    const isNamed = request.headers["idempotency-key"] !== "";
    const read = isNamed ? readKey(request) : { key: randomUUID() };
    if ("refusal" in read) return read.refusal;
    const retryAfterMs = limits.takeMessage({ userId, address: request.address });
    if (retryAfterMs !== undefined) return problem(reply.rateLimited("messages", retryAfterMs));
    const { key: clientMessageId } = read;
    let turn: AnsweredTurn | undefined;
    const refused = await inFlight.answer({ userId, key: clientMessageId }, async () => {
      const result = await asked.accept({ clientMessageId, isNamed });
      if (result.kind !== "accepted") return refuseAccept(result);
      turn = { userId, sessionId: result.sessionId, turnId: result.turnId, after: result.seq };
      return ACCEPTED;
    });
    if (turn === undefined) return refused;
    const shown = { ...asked, turn, isNamed, answer: asked.createAnswer(turn) };
    if (asked.isStream) return stream(shown);
    return asked.isBackground === true ? shown.answer.whole(undefined, undefined) : wait(shown);
  };

  interface Shown extends Asked {
    readonly turn: AnsweredTurn;
    readonly isNamed: boolean;
    readonly answer: Answer;
  }

  function stream(shown: Shown): HttpReply | StreamReply {
    const { principal, turn, answer } = shown;
    const opened = streams.admit(
      principal,
      (response, hooks) =>
        new AnswerStream(response, {
          ...hooks,
          answer,
          follow: (follow) => followTurn(deps, turn, follow),
          settle: () => settle(shown),
          onAbandoned: () => abandon(shown, hooks.onFailed),
        }),
      () => abandon(shown, () => undefined),
    );
    if (opened !== undefined) return opened;
    abandon(shown, () => undefined);
    return problem(reply.rateLimited("streams of events", 1_000));
  }

  async function wait(shown: Shown): Promise<HttpReply> {
    const { request, principal, turn, answer } = shown;
    const { promise, resolve } = Promise.withResolvers<TurnEnd | "gone" | "revoked" | "waiting">();
    const onGone = () => resolve("gone");
    request.gone.addEventListener("abort", onGone);
    if (request.gone.aborted) onGone();
    const unwatch = deps.watchCredential(principal, {
      onRevoked: () => resolve("revoked"),
      onChanged: () => undefined,
    });
    let steps = 0;
    const stop = await followTurn(deps, turn, {
      onStep(step) {
        answer.read(step);
        steps += 1;
        const atStep = steps;
        // Of a turn that has gone on since, the rest comes along.
        if (step.kind === "waiting") setImmediate(() => steps === atStep && resolve("waiting"));
      },
      onEnd: resolve,
    });
    try {
      const end = await promise;
      if (end === "revoked") return problem(reply.UNAUTHORIZED);
      if (end === "gone") {
        abandon(shown, () => undefined);
        return answer.whole(undefined, undefined);
      }
      if (end !== "waiting") return answer.whole(end, await settle(shown));
      await remember(shown);
      return answer.whole(undefined, undefined);
    } finally {
      stop();
      unwatch();
      request.gone.removeEventListener("abort", onGone);
    }
  }

  /** Once the answer is stored, its conversation can be gone on with. */
  async function settle(shown: Shown): Promise<TokenUsage | undefined> {
    await deps.waitForTurn(shown.turn, AbortSignal.timeout(SETTLE_MOST_MS));
    await remember(shown);
    return deps.readUsage(shown.turn.turnId);
  }

  async function remember({ turn, transcript, answer }: Shown): Promise<void> {
    if (transcript === undefined || answer.text === "") return;
    const { userId, sessionId, turnId } = turn;
    const place = { sessionId, turnId, answer: answer.text };
    await deps.rememberAnswer({ userId, transcript }, place);
  }

  /** Nobody waits any more: only who named the request can ask for its answer again. */
  function abandon(
    { turn: { userId, turnId }, isNamed, isBackground }: Shown,
    onFailed: (error: unknown) => void,
  ): void {
    if (isNamed || isBackground === true) return;
    deps.cancelTurn({ userId, turnId }).catch(onFailed);
  }
}

const ACCEPTED: HttpReply = { status: 202 };

function noModel(model: string): HttpReply {
  const message = `Cannot find the model ${JSON.stringify(model)}: expected one that /v1/models lists`;
  return refuse({ status: 404, code: "model_not_found", message, param: "model" });
}

function refuseAccept(result: Exclude<AcceptMessageResult, { kind: "accepted" }>): HttpReply {
  switch (result.kind) {
    case "overloaded":
      return problem(reply.overloaded(result.retryAfterMs));
    case "not-found":
      return problem(reply.notFound("session"));
    case "conflict":
      return problem(reply.KEY_REUSED);
    default:
      return result satisfies never;
  }
}
