import type { JoinInstance, RenewLease, RenewResult } from "#domain/instance/instance-registry.ts";
import { type InstanceId, parseTurnId, type TurnId } from "#domain/shared/id.ts";
import { queries } from "../load-queries.ts";
import { all, get, run, type Script } from "../script.ts";

export function* joinInstance(input: JoinInstance): Script<{ epoch: number }> {
  const { instanceId, leaseMs, isAlone } = input;
  const epoch = yield* nextEpoch();
  yield* run(isAlone ? queries.deleteInstances : queries.deleteForgotten);
  yield* run(queries.insertInstance, { instanceId, epoch, leaseMs });
  return { epoch };
}

export function* renewInstance({ instanceId, leaseMs }: RenewLease): Script<RenewResult> {
  if ((yield* run(queries.renewInstance, { instanceId, leaseMs })) === 0) return { kind: "lost" };
  const rows = yield* all(queries.listCancelledOf, { instanceId });
  return { kind: "renewed", cancelled: rows.map(({ turn_id: id }) => parseTurnId(id)) };
}

export function* listRunning(instanceId: InstanceId): Script<TurnId[]> {
  const rows = yield* all(queries.listRunningOf, { instanceId });
  return rows.map(({ turn_id: id }) => parseTurnId(id));
}

/** A fencing number that nobody has had. */
export function* nextEpoch(): Script<number> {
  return ((yield* get(queries.nextEpoch)) as { value: number }).value;
}

export function* leaveInstance(instanceId: InstanceId): Script<void> {
  yield* run(queries.deleteInstance, { instanceId });
}
