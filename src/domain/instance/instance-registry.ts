import type { InstanceId, TurnId } from "../shared/id.ts";

/**
 * The instances of the program that share a store. An instance holds a lease, by the store's own
 * clock; the turns of one whose lease has ended may be taken by any other.
 */
export interface InstanceRegistry {
  /** Enters an instance and gives its fencing number, which nobody has had. */
  join(input: JoinInstance): Promise<{ readonly epoch: number }>;
  /** Extends the lease of an instance. Rejects with `Fault`. */
  renew(input: RenewLease): Promise<RenewResult>;
  /** The turns that are stored as running on an instance. */
  listRunning(instanceId: InstanceId): Promise<readonly TurnId[]>;
  /** Ends the lease: what still runs may be taken at once. */
  leave(instanceId: InstanceId): Promise<void>;
}

export interface JoinInstance {
  readonly instanceId: InstanceId;
  readonly leaseMs: number;
  /** No other instance uses this store: whatever is on record of one is of a dead one. */
  readonly isAlone: boolean;
}

export interface RenewLease {
  readonly instanceId: InstanceId;
  readonly leaseMs: number;
}

export type RenewResult =
  | {
      readonly kind: "renewed";
      /** Turns of the instance that run and that somebody has cancelled. */
      readonly cancelled: readonly TurnId[];
    }
  /** It was too late: others may have taken its turns. The instance has to join anew. */
  | { readonly kind: "lost" };
