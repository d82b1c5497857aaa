import { createBrakeAgents } from "#application/brake-agents/brake-agents.ts";
import { BrakeWatch } from "#application/brake-agents/brake-watch.ts";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { Store } from "#infrastructure/store/open-store.ts";
import { createBrakeRepository } from "#infrastructure/store/repositories.ts";
import type { AgentPool } from "#infrastructure/workers/agent-pool.ts";

/*
 * The brake for all agents, put together.
 */

export interface BrakeDeps {
  readonly store: Store;
  readonly pool: Pick<AgentPool, "brake">;
  readonly bus: Bus;
  readonly nowMs: () => number;
  readonly log: Logger;
}

export function openBrake({ store, pool, bus, nowMs, log }: BrakeDeps) {
  const brakes = createBrakeRepository(store.reader, store.writer);
  const watch = new BrakeWatch({ brakes, apply: (brake) => pool.brake(brake), log });
  // Looks at once instead of within the second.
  const stopListening = bus.listen(({ kind }) => {
    if (kind === "brake-changed" || kind === "reconnected") void watch.look();
  });
  const brakeChanged = async () => {
    bus.publish({ kind: "brake-changed" });
    await watch.look();
  };
  return {
    useCases: createBrakeAgents({ brakes, brakeChanged, nowMs }),

    /** Has the threads know how it stands; before this each turn asks the store itself. */
    start: () => watch.restate(),

    async [Symbol.asyncDispose](): Promise<void> {
      stopListening();
      watch.close();
    },
  };
}
