import type { Message, MessagePart } from "#domain/message/message.ts";
import {
  parseInstanceId,
  parseMessageId,
  parseModelCallId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
  type TurnId,
} from "#domain/shared/id.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { AcceptTurn, SaveTurn } from "#domain/turn/turn-log.ts";
import { createApprovalRepository, createAuditLog } from "#infrastructure/store/repositories.ts";
import { repositoriesOf, type TestStore } from "./open-test-store.ts";

export const ALICE = parseUserId("alice");
export const BOB = parseUserId("bob");

export interface AcceptedTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly messageId: Message["id"];
}

let ids = 0;
/** Each one greater than the one before. */
export const nextId = () => `id${String(ids++).padStart(8, "0")}`;

/** A store with two users and one instance, and what it takes to have turns accepted and run. */
export async function openAgentStore(open: () => Promise<TestStore>) {
  const opened = await open();
  const again = () => {
    const { reader, writer } = opened.store;
    const approvals = createApprovalRepository(reader, writer);
    return { ...repositoriesOf(opened), approvals, audit: createAuditLog(reader, writer) };
  };
  const repositories = again();
  const { users, instances, turns } = repositories;
  for (const id of [ALICE, BOB]) await users.add({ id, name: id, role: "member", createdAtMs: 1 });
  const instanceId = parseInstanceId("here");
  const lease = { instanceId, leaseMs: 3_600_000, isAlone: false };
  const owner = { instanceId, ...(await instances.join(lease)) };
  const heads = new Map<SessionId, number>();

  const toAccept = (about: Partial<AcceptTurn> & { readonly sessionId?: SessionId } = {}) => {
    const { sessionId, ...rest } = about;
    const session = { id: sessionId ?? parseSessionId(nextId()), isNew: sessionId === undefined };
    const turn = { turnId: parseTurnId(nextId()), userId: ALICE, session, owner, nowMs: 1 };
    const message = { clientMessageId: nextId(), messageId: parseMessageId(nextId()), text: "Hi" };
    return { ...turn, ...message, ...rest };
  };
  const accept = async (about: Parameters<typeof toAccept>[0] = {}) => {
    const result = await turns.accept(toAccept(about));
    if (result.kind !== "accepted") throw new Error(`Cannot accept: ${result.kind}`);
    return result;
  };
  /** Saves a turn with one event more, and whatever else there is to it. */
  const save = async (turn: AcceptedTurn, about: Partial<SaveTurn> = {}) => {
    const { turnId, sessionId } = turn;
    const seq = (heads.get(sessionId) ?? 0) + 1;
    const event = { kind: "text-started", messageId: turn.messageId } as const;
    const nothing = { messages: [], tasks: [], events: [{ seq, event }], nowMs: 3 };
    await turns.save({ turnId, sessionId, epoch: owner.epoch, ...nothing, ...about });
    if (about.events === undefined) heads.set(sessionId, seq);
  };
  /** Ends a turn with one answer. */
  const answer = (turn: AcceptedTurn, about: Partial<SaveTurn> = {}) =>
    save(turn, {
      messages: [{ position: 1, message: messageOf(turn, "assistant", `To ${turn.turnId}`) }],
      end: { kind: "completed", endedAtMs: 3 },
      ...about,
    });
  return {
    ...repositories,
    store: opened,
    /** The repositories of the store as it is open now. */
    again,
    owner,
    toAccept,
    accept,
    save,
    answer,
    claim: () => turns.claim({ owner, limit: 9, nowMs: 4 }),
    stateOf: async (turnId: TurnId) => (await repositories.turnReader.find(turnId))?.state.kind,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

export type AgentStore = Awaited<ReturnType<typeof openAgentStore>>;

export function messageOf(
  { turnId, sessionId }: Pick<AcceptedTurn, "turnId" | "sessionId">,
  role: Message["role"],
  said: string | readonly MessagePart[],
): Message {
  const parts = typeof said === "string" ? [{ kind: "text", text: said } as const] : said;
  const id = parseMessageId(nextId());
  return { id, sessionId, turnId, role, parts, isComplete: true, createdAtMs: 2 };
}

/** One answer of a model: 10 tokens in, 5 out, at 7 billionths of a dollar. */
export function modelCallOf(
  { turnId, sessionId }: Pick<AcceptedTurn, "turnId" | "sessionId">,
  about: Partial<ModelCall> = {},
): ModelCall {
  return {
    id: parseModelCallId(nextId()),
    turnId,
    sessionId,
    userId: ALICE,
    step: 1,
    model: "mock/one",
    usage: { inputTokens: 10, outputTokens: 5 },
    costNanoUsd: 7,
    startedAtMs: 2,
    state: { kind: "answered", endedAtMs: 3 },
    ...about,
  };
}
