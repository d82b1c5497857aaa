import { createBrakeAgents } from "#application/brake-agents/brake-agents.ts";
import { createCancelTurn } from "#application/cancel-turn/cancel-turn.ts";
import { parseTurnId } from "#domain/shared/id.ts";
import { ADMIN } from "#domain/user/user.ts";
import type { LocalStore } from "#infrastructure/store/local-store.ts";
import {
  createBrakeRepository,
  createTurnLog,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import { CommandError } from "#presentation/cmd/command-error.ts";
import type { StopAccess } from "#presentation/cmd/stop.ts";

/** What stops agents by their store alone: whoever runs them finds it there. */
export function openLocalStop(store: LocalStore): StopAccess {
  const { findBrake: _, ...brakes } = createBrakeAgents({
    brakes: createBrakeRepository(store.reader, store.writer),
    brakeChanged: async () => undefined,
    nowMs: () => Date.now(),
  });
  const turnReader = createTurnReader(store.reader);
  const cancelTurn = createCancelTurn({
    findTurn: (turnId) => turnReader.find(turnId),
    turns: createTurnLog(store.writer),
    turnQueued: () => undefined,
    stopRun: () => undefined,
  });
  const by = ADMIN.id;
  return {
    stopAll: (reason) => brakes.engageBrake({ by, reason }),
    release: async () => void (await brakes.releaseBrake({ by })),
    async stopTurn(raw) {
      const turnId = tryParse(raw);
      const turn = turnId && (await turnReader.find(turnId));
      if (turn === undefined) throw new CommandError("refused", `There is no turn "${raw}"`);
      await cancelTurn({ userId: turn.userId, turnId: turn.id });
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function tryParse(raw: string) {
  try {
    return parseTurnId(raw);
  } catch {
    return undefined;
  }
}
