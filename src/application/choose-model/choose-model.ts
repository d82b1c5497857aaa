import type { Session } from "#domain/session/session.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import type { SessionId, UserId } from "#domain/shared/id.ts";
import type { ModelChoice } from "../ports/model-overview.ts";

export interface ChooseModelInput {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  /** A model or an alias; `undefined`: the default one again. */
  readonly model: string | undefined;
}

export type ChooseModelResult =
  | { readonly kind: "chosen"; readonly session: Session }
  | { readonly kind: "not-found" }
  | { readonly kind: Exclude<ModelChoice, "allowed"> };

export interface ChooseModelDeps {
  readonly sessions: Pick<SessionRepository, "find" | "setModel">;
  readonly judgeModel: (name: string) => ModelChoice;
}

/** Has a user's own session answered by another model, from its next turn on. */
export function createChooseModel({ sessions, judgeModel }: ChooseModelDeps) {
  return async function chooseModel(input: ChooseModelInput): Promise<ChooseModelResult> {
    const { userId, sessionId, model } = input;
    const before = await sessions.find(sessionId);
    if (before?.userId !== userId) return { kind: "not-found" };
    const choice = model === undefined ? "allowed" : judgeModel(model);
    if (choice !== "allowed") return { kind: choice };
    await sessions.setModel(sessionId, model);
    const session = await sessions.find(sessionId);
    return session === undefined ? { kind: "not-found" } : { kind: "chosen", session };
  };
}
