import { describe, test } from "vitest";
import { createBranches } from "#application/regenerate-turn/choose-branch.ts";
import { createRegenerateTurn } from "#application/regenerate-turn/regenerate-turn.ts";
import { textOf } from "#domain/message/message.ts";
import { parseTurnId } from "#domain/shared/id.ts";
import { createSessionRepository, createTurnReader } from "#infrastructure/store/repositories.ts";
import { finish, openRun, say } from "../../../support/turn-run.ts";
import { ADA, BOB } from "../../../support/turn-store.ts";

const PICTURE = { kind: "image", mediaType: "image/png", data: "aGk=" } as const;

async function openRegenerate() {
  const answers = ["One", "Two", "Three", "Four"].map((text) => [say(text), finish]);
  const run = await openRun({ steps: answers, contextTokens: 100_000 });
  const { reader, writer } = run.store.callers;
  const regenerate = createRegenerateTurn({
    turns: createTurnReader(reader),
    acceptMessage: ({ sessionId, text, images = [], parentTurnId, model }) =>
      run.store.accept({
        sessionId,
        text,
        images,
        ...(parentTurnId !== undefined && { parentTurnId }),
        ...(model !== undefined && { model }),
      }),
  });
  const branches = createBranches({ sessions: createSessionRepository(reader, writer) });
  return { run, regenerate, branches, [Symbol.asyncDispose]: run[Symbol.asyncDispose] };
}

const again = { userId: ADA, clientMessageId: "again" };

describe("regenerateTurn()", () => {
  test("has a message answered anew from where it was answered first", async ({ expect }) => {
    await using opened = await openRegenerate();
    const { run } = opened;
    const first = await run.store.accept({ text: "First" });
    await run.run(first);
    const { sessionId } = first;
    const second = await run.store.accept({ sessionId, text: "Second", images: [PICTURE] });
    await run.run(second);
    const { turnId } = second;
    const anew = await opened.regenerate({ ...again, turnId, model: "test/other" });
    if ("kind" in anew) throw new Error("Expected a turn");
    await run.run(anew);
    expect(run.requests[2]?.messages.map(textOf)).toEqual(["First", "One", "Second"]);
    expect(run.requests[2]?.messages.at(-1)?.parts).toContainEqual(PICTURE);
    expect(run.requests.map(({ model }) => model)).toEqual([undefined, undefined, "test/other"]);
    expect(run.stored(anew).texts).toEqual(["First", "One", "Second", "Three"]);

    const forks = await opened.branches.listBranches({ userId: ADA, sessionId });
    expect(forks).toEqual([{ turnIds: [turnId, anew.turnId], inUse: anew.turnId }]);
    await opened.branches.useBranch({ userId: ADA, sessionId, turnId });
    expect(run.stored(anew).texts).toEqual(["First", "One", "Second", "Two"]);
    const next = await run.store.accept({ sessionId, text: "And?" });
    await run.run(next);
    expect(run.requests[3]?.messages.map(textOf)).toEqual([
      "First",
      "One",
      "Second",
      "Two",
      "And?",
    ]);
  });

  test("of the first message begins the conversation anew, with other words", async ({
    expect,
  }) => {
    await using opened = await openRegenerate();
    const { run } = opened;
    const first = await run.store.accept({ text: "First" });
    await run.run(first);
    const anew = await opened.regenerate({ ...again, turnId: first.turnId, text: "Instead" });
    if ("kind" in anew) throw new Error("Expected a turn");
    await run.run(anew);
    expect(run.requests[1]?.messages.map(textOf)).toEqual(["Instead"]);
  });

  test("of another user's turn, or of none, is not found", async ({ expect }) => {
    await using opened = await openRegenerate();
    const { turnId, sessionId } = await opened.run.store.accept();
    expect(await opened.regenerate({ ...again, userId: BOB, turnId })).toEqual({
      kind: "not-found",
    });
    expect(await opened.regenerate({ ...again, turnId: parseTurnId("none") })).toEqual({
      kind: "not-found",
    });
    expect(await opened.branches.listBranches({ userId: BOB, sessionId })).toBeUndefined();
    expect(await opened.branches.useBranch({ userId: BOB, sessionId, turnId })).toBe("not-found");
  });
});
