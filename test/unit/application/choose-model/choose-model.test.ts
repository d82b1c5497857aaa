import { test } from "vitest";
import { createChooseModel } from "#application/choose-model/choose-model.ts";
import type { Session } from "#domain/session/session.ts";
import { parseSessionId, parseUserId } from "#domain/shared/id.ts";

const sessionId = parseSessionId("session-1");
const userId = parseUserId("user-1");

test("chooseModel() sets a known model of one's own session, and takes it back", async ({
  expect,
}) => {
  const { choose, stored } = create();
  expect(await choose("fast")).toMatchObject({ kind: "chosen", session: { model: "fast" } });
  expect(await choose(undefined)).toMatchObject({ kind: "chosen" });
  expect(stored().model).toBeUndefined();
});

test("chooseModel() changes nothing for a model that is not known or not for choosing, or another's session", async ({
  expect,
}) => {
  const { choose, stored } = create();
  expect(await choose("slow")).toEqual({ kind: "unknown-model" });
  expect(await choose("dear")).toEqual({ kind: "not-allowed" });
  expect(await choose("fast", "user-2")).toEqual({ kind: "not-found" });
  expect(stored().model).toBeUndefined();
});

function create() {
  let session: Session = {
    id: sessionId,
    userId,
    title: "",
    createdAtMs: 0,
    updatedAtMs: 0,
    headSeq: 0,
    headEpoch: 0,
  };
  const chooseModel = createChooseModel({
    sessions: {
      find: async (id) => (id === sessionId ? session : undefined),
      setModel: async (_id, model) => {
        session = { ...session, model };
        return "set";
      },
    },
    judgeModel: (name) => {
      if (name === "dear") return "not-allowed";
      return name === "fast" ? "allowed" : "unknown-model";
    },
  });
  return {
    stored: () => session,
    choose: (model: string | undefined, user = "user-1") =>
      chooseModel({ userId: parseUserId(user), sessionId, model }),
  };
}
