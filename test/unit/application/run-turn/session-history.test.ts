import { describe, test } from "vitest";
import type { TurnDispatch } from "#application/ports/turn-runner.ts";
import { SessionHistory } from "#application/run-turn/session-history.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import { parseMessageId, parseUserId } from "#domain/shared/id.ts";
import { messageOf, plainTurn, text, turnIdOf } from "../../../support/conversation.ts";

const STORED = [messageOf(0, 0, "user", [text("as the store has it")])];
const TALK = Array.from({ length: 10 }, (_, turn) => plainTurn(turn)).flat();
const [SESSION_ID, HEAD_SEQ] = [TALK[0]?.sessionId, 20];

function openHarness() {
  const limits: number[] = [];
  const history = new SessionHistory({
    read: async (_sessionId, _turnId, limit) => {
      limits.push(limit);
      return STORED;
    },
  });
  return { history, limits };
}

function next(fields: Partial<TurnDispatch> = {}): TurnDispatch {
  return {
    turnId: turnIdOf(10),
    sessionId: SESSION_ID as TurnDispatch["sessionId"],
    userId: parseUserId("u1"),
    messageId: parseMessageId("m10"),
    text: "And now?",
    acceptedAtMs: 10,
    attempt: 1,
    headSeq: HEAD_SEQ,
    isCancelled: false,
    epoch: 1,
    ...fields,
  };
}

const at = (session: number): { readonly contextVersion: ContextVersion } => ({
  contextVersion: { session, user: 0 },
});

describe("SessionHistory", () => {
  test("goes on from a session as a run left it", async ({ expect }) => {
    const { history, limits } = openHarness();
    const { sessionId } = next();
    history.keep(sessionId, { headSeq: HEAD_SEQ, messages: TALK, summarised: undefined });
    const loaded = await history.load(next());
    expect(loaded.slice(0, -1)).toEqual(TALK);
    expect(loaded.at(-1)).toMatchObject({ role: "user", parts: [text("And now?")] });
    expect(limits).toEqual([]);
  });

  test.for([
    ["has moved on since", { headSeq: HEAD_SEQ + 1 }],
    ["has pictures", { hasImages: true }],
    ["goes on from elsewhere", { isBranched: true }],
    ["is tried again", { attempt: 2 }],
  ] as const)("reads a session that %s", async ([, fields], { expect }) => {
    const { history, limits } = openHarness();
    const { sessionId } = next();
    history.keep(sessionId, { headSeq: HEAD_SEQ, messages: TALK, summarised: undefined });
    expect(await history.load(next(fields))).toEqual(STORED);
    expect(limits).toHaveLength(1);
  });

  test("keeps nothing of what a summary stands for", async ({ expect }) => {
    const { history, limits } = openHarness();
    const { sessionId } = next();
    const summarised = { messages: 12, version: 3 };
    history.keep(sessionId, { headSeq: HEAD_SEQ, messages: TALK, summarised });
    expect((await history.load(next(at(3)))).slice(0, -1)).toEqual(TALK.slice(12));
    expect(limits).toEqual([]);
  });

  test.for([
    ["was undone", at(4)],
    ["may have been undone, for all that is known", {}],
  ])("reads the originals where their summary %s", async ([, fields], { expect }) => {
    const { history, limits } = openHarness();
    const { sessionId } = next();
    history.keep(sessionId, {
      headSeq: HEAD_SEQ,
      messages: TALK,
      summarised: { messages: 12, version: 3 },
    });
    expect(await history.load(next(fields as Partial<TurnDispatch>))).toEqual(STORED);
    expect(limits).toEqual([400]);
  });

  test("needs no version where no summary stands for anything", async ({ expect }) => {
    const { history, limits } = openHarness();
    const { sessionId } = next();
    history.keep(sessionId, { headSeq: HEAD_SEQ, messages: TALK, summarised: undefined });
    expect(await history.load(next(at(4)))).toHaveLength(TALK.length + 1);
    expect(limits).toEqual([]);
  });
});
