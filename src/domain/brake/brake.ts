import { Fault } from "../shared/fault.ts";
import type { UserId } from "../shared/id.ts";

/** The brake for all agents of an installation, while it is on. */
export interface Brake {
  readonly sinceMs: number;
  readonly by: UserId;
  readonly reason: string | undefined;
}

/** What whatever runs fails with while the brake is on. */
export function stoppedBy({ reason }: Pick<Brake, "reason">): Fault {
  const why = reason === undefined ? "" : `: ${reason}`;
  return new Fault("STOPPED", `An operator has stopped all agents${why}`);
}

/** All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used. */
export interface BrakeRepository {
  find(): Promise<Brake | undefined>;
  /** Puts it on, with an entry in the audit log; one that is on already stays as it is. */
  engage(brake: Brake): Promise<"engaged" | "was-engaged">;
  /** With an entry in the audit log. */
  release(input: ReleaseBrake): Promise<"released" | "was-released">;
}

export interface ReleaseBrake {
  readonly by: UserId;
  readonly nowMs: number;
}
