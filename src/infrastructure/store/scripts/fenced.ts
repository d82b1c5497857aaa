import { Fault } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";

/** What a run hears that writes to a turn which is not its own any more. */
export function fenced(turnId: TurnId): Fault {
  return new Fault("TURN_FENCED", `Cannot write turn "${turnId}": this run no longer owns it`);
}
