import { describe, test } from "vitest";
import { parseTaskId, parseToolCallId, type TurnId } from "#domain/shared/id.ts";
import type { BackgroundTasks } from "#domain/task/background-tasks.ts";
import { type FinalTaskState, NO_USAGE, type Task } from "#domain/task/task.ts";
import type { TaskRepository } from "#domain/task/task-repository.ts";
import { type AcceptedTurn, type AgentStore, ALICE, nextId } from "../support/agent-store.ts";

export interface BackgroundUnderTest extends AsyncDisposable {
  readonly store: AgentStore;
  readonly tasks: TaskRepository;
  readonly background: BackgroundTasks;
  /** The tasks whose reports are due, oldest first. */
  readonly reports: () => Promise<readonly string[]>;
}

/** What every store promises of tasks that go on without their turns. */
export function describeBackgroundTasks(name: string, open: () => Promise<BackgroundUnderTest>) {
  describe(`BackgroundTasks ${name}`, () => {
    test("the end of a task is stored once, with its taint and its report", async ({ expect }) => {
      await using opened = await open();
      const { store, tasks, background, reports } = opened;
      const turn = await store.accept();
      const task = taskOf(turn);
      await store.save(turn, { tasks: [task], background: [task.id], taint: { private: "a" } });
      await store.answer(turn);
      expect((await tasks.find(task.id))?.state.kind).toBe("running");
      expect(await reports()).toEqual([]);
      const ended = endOf(task);
      expect(await background.end(ended, { untrusted: "b", private: "c" })).toBe("saved");
      expect(await background.end(ended, { untrusted: "d" })).toBe("stale");
      expect(await tasks.find(task.id)).toEqual(ended);
      const session = await store.sessions.find(turn.sessionId);
      expect(session?.taint).toEqual({ untrusted: "b", private: "a" });
      expect(await reports()).toEqual([task.id]);
    });

    test("recover() ends those of a dead instance, whether or not their turns have ended", async ({
      expect,
    }) => {
      await using opened = await open();
      const { store, tasks, background, reports } = opened;
      const [over, open1] = [await store.accept(), await store.accept()];
      const [left, running, waited] = [taskOf(over), taskOf(open1), taskOf(open1)];
      await store.save(over, { tasks: [left], background: [left.id] });
      await store.answer(over);
      await store.save(open1, { tasks: [running, waited], background: [running.id] });
      const instanceId = store.owner.instanceId;
      await store.turns.recover({ instanceId, nowMs: 7 });
      expect(await statesOf(tasks, left, running, waited)).toEqual([
        "running",
        "running",
        "running",
      ]);
      await store.instances.renew({ instanceId, leaseMs: 0 });
      await store.turns.recover({ instanceId, nowMs: 7 });
      await store.turns.recover({ instanceId, nowMs: 8 });
      expect(await statesOf(tasks, left, running, waited)).toEqual([
        "interrupted 7",
        "interrupted 7",
        "interrupted 7",
      ]);
      // The turn of the one that it waited for is told of it by its next run.
      expect(await reports()).toEqual([left.id, running.id].toSorted());
      expect(await background.end(endOf(left), {})).toBe("stale");
      expect(await statesOf(tasks, left)).toEqual(["interrupted 7"]);
    });

    test("recover() of a turn ends those that go on without it, and no other turn's", async ({
      expect,
    }) => {
      await using opened = await open();
      const { store, tasks, reports } = opened;
      const turns = [await store.accept(), await store.accept()] as const;
      const [mine, other] = [taskOf(turns[0]), taskOf(turns[1])];
      await store.save(turns[0], { tasks: [mine], background: [mine.id] });
      await store.save(turns[1], { tasks: [other], background: [other.id] });
      const { instanceId } = store.owner;
      await store.turns.recover({ instanceId, turnIds: [turns[0].turnId], nowMs: 7 });
      expect(await statesOf(tasks, mine, other)).toEqual(["interrupted 7", "running"]);
      expect(await reports()).toEqual([mine.id]);
      // Its last write was made, and nobody was told before its run died.
      await store.answer(turns[1]);
      await store.turns.recover({ instanceId, turnIds: [turns[1].turnId], nowMs: 8 });
      expect(await statesOf(tasks, other)).toEqual(["interrupted 8"]);
    });

    test("interrupt() ends those of a turn that has ended", async ({ expect }) => {
      await using opened = await open();
      const { store, tasks, background, reports } = opened;
      const turn = await store.accept();
      const [task, ended] = [taskOf(turn), taskOf(turn)];
      await store.save(turn, { tasks: [task, ended], background: [task.id, ended.id] });
      await store.answer(turn);
      await background.end(endOf(ended), {});
      await background.interrupt(turn.turnId, 9);
      await background.interrupt(turn.turnId, 10);
      expect(await statesOf(tasks, task, ended)).toEqual(["interrupted 9", "completed"]);
      expect(await reports()).toEqual([task.id, ended.id].toSorted());
    });

    test("nothing is reported of a task that was deleted with its session", async ({ expect }) => {
      await using opened = await open();
      const { store, background, reports } = opened;
      const [turn, other] = [await store.accept(), await store.accept()];
      const [task, lost] = [taskOf(turn), taskOf(other)];
      for (const [of, its] of [
        [turn, task],
        [other, lost],
      ] as const) {
        await store.save(of, { tasks: [its], background: [its.id] });
        await store.answer(of);
        expect(await store.sessions.delete(of.sessionId)).toBe("deleted");
      }
      expect(await background.end(endOf(task), {})).toBe("stale");
      await background.interrupt(other.turnId, 9);
      expect(await reports()).toEqual([]);
    });
  });
}

function taskOf({ turnId, sessionId }: AcceptedTurn & { readonly turnId: TurnId }): Task {
  return {
    id: parseTaskId(nextId()),
    userId: ALICE,
    origin: { kind: "turn", sessionId, turnId, toolCallId: parseToolCallId(nextId()) },
    skill: "box",
    tool: "put",
    skillDigest: "d",
    policyHash: "p",
    input: {},
    state: { kind: "running", startedAtMs: 2 },
    createdAtMs: 2,
  };
}

function endOf(task: Task): Task & { readonly state: FinalTaskState } {
  return {
    ...task,
    state: { kind: "completed", endedAtMs: 5, output: [1], usage: NO_USAGE },
  };
}

async function statesOf(tasks: TaskRepository, ...wanted: readonly Task[]) {
  const found = await Promise.all(wanted.map(({ id }) => tasks.find(id)));
  return found.map((task) =>
    task?.state.kind === "failed"
      ? `${task.state.failure.code} ${task.state.endedAtMs}`
      : task?.state.kind,
  );
}
