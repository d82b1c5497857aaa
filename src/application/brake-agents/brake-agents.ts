import type { Brake, BrakeRepository } from "#domain/brake/brake.ts";
import type { UserId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";

export interface BrakeAgentsDeps {
  readonly brakes: BrakeRepository;
  /** Has this instance do as the store says, and tells the others to look. */
  readonly brakeChanged: () => Promise<void>;
  readonly nowMs: NowMs;
}

/** The brake for all agents of the installation. All reject with `Fault` `STORE_UNAVAILABLE`. */
export function createBrakeAgents({ brakes, brakeChanged, nowMs }: BrakeAgentsDeps) {
  return {
    findBrake: (): Promise<Brake | undefined> => brakes.find(),

    /**
     * Stops everything: what runs ends as failed (`STOPPED`), and so does what is sent from now on.
     * In force on every instance when it is stored: none makes a call without having asked.
     */
    async engageBrake(input: {
      readonly by: UserId;
      readonly reason?: string | undefined;
    }): Promise<Brake> {
      const brake = { sinceMs: nowMs(), by: input.by, reason: input.reason };
      const engaged = await brakes.engage(brake);
      await brakeChanged();
      return engaged === "engaged" ? brake : ((await brakes.find()) ?? brake);
    },

    /** Lets agents work again; what was stopped stays stopped. */
    async releaseBrake({ by }: { readonly by: UserId }): Promise<"released" | "was-released"> {
      const released = await brakes.release({ by, nowMs: nowMs() });
      await brakeChanged();
      return released;
    },
  };
}
