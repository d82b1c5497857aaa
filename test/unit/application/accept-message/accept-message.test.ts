import { describe, test } from "vitest";
import { createAcceptMessage } from "#application/accept-message/accept-message.ts";
import type { TurnId } from "#domain/shared/id.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";
import { newId, newIdAfter } from "#infrastructure/ids/ids.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { ADA, BOB, openTurnStore } from "../../../support/turn-store.ts";

/** The use case over the real tables, with room for `room` turns. */
async function openUseCase(room = 10) {
  const store = await openTurnStore();
  const dispatched: QueuedTurn[] = [];
  const interrupting: TurnId[] = [];
  let taken = 0;
  const acceptMessage = createAcceptMessage({
    turns: store.turns,
    dispatcher: {
      admit: () => {
        if (taken >= room) return { retryAfterMs: 7 };
        taken += 1;
        return {
          owner: store.owner,
          release: () => void (taken -= 1),
          doubt: () => void (taken -= 1),
          dispatch: (turn) => void dispatched.push(turn),
        };
      },
    },
    interrupt: async ({ turnId }) => void interrupting.push(turnId),
    newId,
    newIdAfter,
    nowMs: () => 5,
    log: silentLog,
  });
  const taking = () => taken;
  return {
    store,
    acceptMessage,
    dispatched,
    interrupting,
    taking,
    [Symbol.asyncDispose]: store[Symbol.asyncDispose],
  };
}

const message = { userId: ADA, clientMessageId: "c1", text: "Hello" };

describe("acceptMessage()", () => {
  test("stores a message, answers and dispatches its turn", async ({ expect }) => {
    await using opened = await openUseCase();
    const result = await opened.acceptMessage(message);
    expect(result).toMatchObject({ kind: "accepted", duplicate: false, seq: 0 });
    const { turnId } = result.kind === "accepted" ? result : {};
    expect(opened.dispatched).toMatchObject([{ turnId, attempt: 1, headSeq: 0 }]);
    expect(opened.store.reader.listTurns(opened.dispatched)).toMatchObject([{ state: "running" }]);
    expect(opened.taking()).toBe(1);
  });

  test("a repeat is answered alike, dispatches nothing and takes no room", async ({ expect }) => {
    await using opened = await openUseCase();
    const first = await opened.acceptMessage(message);
    expect(await opened.acceptMessage(message)).toEqual({ ...first, duplicate: true });
    expect(opened.dispatched).toHaveLength(1);
    expect(opened.taking()).toBe(1);
  });

  test("a repeat interrupts too: whoever took the message in may have died before", async ({
    expect,
  }) => {
    await using opened = await openUseCase();
    const first = await opened.acceptMessage(message);
    const { sessionId, turnId: running } = first.kind === "accepted" ? first : {};
    const sent = { ...message, clientMessageId: "c2", sessionId, mode: "interrupt" } as const;
    const second = await opened.acceptMessage(sent);
    expect(await opened.acceptMessage(sent)).toEqual({ ...second, duplicate: true });
    const { turnId } = second.kind === "accepted" ? second : {};
    expect(turnId).not.toBe(running);
    expect(opened.interrupting).toEqual([turnId, turnId]);
  });

  test("another text under the same id and a stranger's session are refused", async ({
    expect,
  }) => {
    await using opened = await openUseCase();
    const first = await opened.acceptMessage(message);
    const sessionId = first.kind === "accepted" ? first.sessionId : undefined;
    const results = [
      await opened.acceptMessage({ ...message, text: "Good-bye" }),
      await opened.acceptMessage({ ...message, userId: BOB, sessionId }),
    ];
    expect(results.map(({ kind }) => kind)).toEqual(["conflict", "not-found"]);
    expect(opened.taking()).toBe(1);
  });

  test("too much is refused before anything is stored", async ({ expect }) => {
    await using opened = await openUseCase(0);
    const { store, acceptMessage } = opened;
    expect(await acceptMessage(message)).toEqual({ kind: "overloaded", retryAfterMs: 7 });
    expect(store.writes).toEqual([]);
  });

  test("a full disk rejects, takes no room, and the same message is accepted later", async ({
    expect,
  }) => {
    await using opened = await openUseCase();
    const { store, acceptMessage, dispatched, taking } = opened;
    store.breakWrites(true);
    await expect(acceptMessage(message)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect([dispatched, taking()]).toEqual([[], 0]);
    store.breakWrites(false);
    expect(await acceptMessage(message)).toMatchObject({ kind: "accepted", duplicate: false });
  });
});
