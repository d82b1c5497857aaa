import { describe, test } from "vitest";
import { call, FACTS, finish, openRun, say } from "../../../support/turn-run.ts";

describe("the calls of one step", () => {
  test("those that change something are made one after the other, in the model's order", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [
          call("c1", "box.put", { n: 1 }),
          call("c2", "box.send", { n: 2 }),
          call("c3", "box.look", { n: 3 }),
          call("c4", "box.put", { n: 4 }),
          finish,
        ],
        [say("Done"), finish],
      ],
    });
    let running = 0;
    let most = 0;
    opened.answerWith(async ({ input, tool }) => {
      running += 1;
      most = Math.max(most, tool === "look" ? 0 : running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const order = opened.calls.map(({ input }) => (input as { n: number }).n);
    expect(order).toEqual([3, 1, 2, 4]);
    expect(most).toBe(1);
  });

  test("of several that change something, a crash repeats none and leaves none out", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [
          call("c1", "box.put", { n: 1 }),
          call("c2", "box.put", { n: 2 }),
          call("c3", "box.put", { n: 3 }),
          finish,
        ],
        [say("Done"), finish],
      ],
    });
    opened.answerWith(({ input }) => {
      if (opened.calls.length === 2) return new Promise(() => {});
      return Promise.resolve({ kind: "ok", output: input });
    });
    const turn = await opened.store.accept();
    void opened.run(turn);
    await expect.poll(() => opened.calls.length).toBe(2);
    await opened.run({ ...turn, ...(await opened.takeOver(turn)) });
    expect(opened.calls.map(({ input }) => input)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    const results = opened.requests[1]?.messages.flatMap(({ parts }) =>
      parts.flatMap((part) =>
        part.kind === "tool-result" ? [[part.toolCallId, part.outcome]] : [],
      ),
    );
    expect(results).toEqual([
      ["c1", { kind: "ok", output: { n: 1 } }],
      ["c2", expect.objectContaining({ code: "interrupted" })],
      ["c3", { kind: "ok", output: { n: 3 } }],
    ]);
  });

  test("input that does not fit is sent back with what was expected where", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.put", { n: "many" }), call("c2", "box.put", { n: 10 }), finish],
        [say("Sorry"), finish],
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toEqual([]);
    const words = opened.requests[1]?.messages.slice(-2).map(({ parts: [part] }) => {
      return part?.kind === "tool-result" && part.outcome.kind === "error" && part.outcome.message;
    });
    expect(words).toEqual([
      'The input of "box.put" does not fit its schema, nothing was called: ' +
        'at "/n" expected integer, got "many"',
      'The input of "box.put" does not fit its schema, nothing was called: ' +
        'at "/n" expected at most 9, got 10',
    ]);
  });

  test("output that does not fit is told as an error, which says what was expected where", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.count"), call("c2", "box.count"), call("c3", "box.count"), finish],
        [say("Sorry"), finish],
      ],
    });
    const outputs = [{ n: "many" }, {}, { n: 3 }];
    opened.answerWith(async () => {
      return { kind: "ok", output: outputs[opened.calls.length - 1] ?? null };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const outcomes = opened.requests[1]?.messages.slice(-3).map(({ parts: [part] }) => {
      return part?.kind === "tool-result" && part.outcome;
    });
    expect(outcomes).toEqual([
      {
        kind: "error",
        code: "invalid-output",
        message: `The tool's output does not fit its schema: at "/n" expected integer, got "many"`,
      },
      { kind: "error", code: "invalid-output", message: expect.stringContaining("n") },
      { kind: "ok", output: { n: 3 } },
    ]);
    const tasks = opened.stored(turn).tasks.map(({ state }) => state.kind);
    expect(tasks.toSorted()).toEqual(["completed", "failed", "failed"]);
  });

  test("the very same call that fails again and again is not made any more", async ({ expect }) => {
    const again = (id: string) => [call(id, "box.look", { n: 1 }), finish];
    await using opened = await openRun({
      steps: [again("c1"), again("c2"), again("c3"), again("c4"), [say("I give up"), finish]],
      limits: { maxSteps: 9 },
    });
    opened.answerWith(async () => ({ kind: "error", code: "failed", message: "No box" }));
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toHaveLength(3);
    expect(opened.requests[4]?.messages.at(-1)?.parts).toMatchObject([
      { outcome: { code: "repeated-failure" } },
    ]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("a call with other input, or one that worked in between, is made", async ({ expect }) => {
    const look = (id: string, n: number) => [call(id, "box.look", { n }), finish];
    await using opened = await openRun({
      steps: [look("c1", 1), look("c2", 1), look("c3", 1), look("c4", 2), look("c5", 1)],
      limits: { maxSteps: 5 },
    });
    opened.answerWith(async ({ input }) => {
      const isFine = opened.calls.length === 3;
      if (isFine) return { kind: "ok", output: input };
      return { kind: "error", code: "failed", message: "No box" };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toHaveLength(5);
  });

  test("more than 64 of them are not made", async ({ expect }) => {
    const many = Array.from({ length: 66 }, (_, at) => call(`c${at}`, "box.look", { n: 1 }));
    await using opened = await openRun({
      steps: [
        [...many, finish],
        [say("Done"), finish],
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toHaveLength(64);
    const codes = opened.requests[1]?.messages.flatMap(({ parts: [part] }) =>
      part?.kind === "tool-result" && part.outcome.kind === "error" ? [part.outcome.code] : [],
    );
    expect(codes).toEqual(["too-many-calls", "too-many-calls"]);
  });

  test("that a policy denies are told to the audit log, those that nobody could make are not", async ({
    expect,
  }) => {
    const asked = [
      call("c1", "box.send", { to: "ada" }),
      call("c2", "box.send", { n: 10 }),
      call("c3", "box.burn"),
      call("c4", "box.look"),
      finish,
    ];
    await using opened = await openRun({ steps: [asked, [say("Done"), finish]] });
    opened.decideWith((tool) =>
      tool === "send"
        ? { kind: "deny", rule: "policy:3", policyHash: "p1", message: "The policy denies it" }
        : { kind: "allow", facts: FACTS },
    );
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["look"]);
    const { userId: actor, sessionId, turnId } = turn;
    expect(opened.audited).toEqual([
      {
        atMs: 1,
        actor,
        action: "skill-call.denied",
        subject: "tool:box.send",
        decision: "denied",
        policyHash: "p1",
        detail: {
          rule: "policy:3",
          reason: "The policy denies it",
          sessionId,
          turnId,
          toolCallId: "c1",
        },
      },
    ]);
  });
});
