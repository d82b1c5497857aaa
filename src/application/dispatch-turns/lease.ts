import type { InstanceRegistry } from "#domain/instance/instance-registry.ts";
import type { InstanceId, TurnId } from "#domain/shared/id.ts";
import type { TurnOwner } from "#domain/turn/turn-log.ts";
import type { Logger } from "../ports/logger.ts";

export interface LeaseDeps {
  readonly instances: InstanceRegistry;
  readonly newInstanceId: () => InstanceId;
  /** Turns of this instance that were cancelled elsewhere. */
  readonly onCancelled: (turnIds: readonly TurnId[]) => void;
  /** Others may take this instance's turns from now on: it must stop what it runs. */
  readonly onLost: () => void;
  /** It has entered again, under another name. */
  readonly onRegained: () => void;
  readonly log: Logger;
  readonly options: LeaseOptions;
}

export interface LeaseOptions {
  /** Whether other instances may use the store; if not, the lease needs no renewal. */
  readonly isShared: boolean;
  readonly leaseMs: number;
}

/** As good as for ever: an instance that is alone in its store. */
const UNSHARED_MS = 1e13;
const RENEWALS_IN_A_LEASE = 4;
const RETRY_MS = 250;

/**
 * This instance's right to run turns. It is renewed from the main thread, which nothing holds up,
 * and counts as lost as soon as a renewal is late, whether or not the store can be asked.
 */
export class Lease {
  readonly #deps: LeaseDeps;
  readonly #intervalMs: number;
  #owner: TurnOwner | undefined;
  #lost: InstanceId | undefined;
  #validUntilMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #isFailing = false;

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#intervalMs = deps.options.leaseMs / RENEWALS_IN_A_LEASE;
  }

  /** As whom turns may be begun; `undefined` while the lease is lost. */
  get owner(): TurnOwner | undefined {
    return this.#owner;
  }

  /** Whether the latest renewal came to nothing; the next one may still be in time. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Enters this instance. Rejects with `Fault`. */
  async open(): Promise<void> {
    await this.#join();
    if (this.#deps.options.isShared) this.#schedule();
  }

  /** A new fencing number, which the store gave to this instance. */
  raiseEpoch(epoch: number): void {
    if (this.#owner !== undefined && epoch > this.#owner.epoch) {
      this.#owner = { ...this.#owner, epoch };
    }
  }

  /** Gives the right up: others may take the rest at once. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const { instances, log } = this.#deps;
    const { instanceId } = this.#owner ?? {};
    if (instanceId === undefined) return;
    await instances.leave(instanceId).catch((error: unknown) => {
      log.warn({ error }, "The lease could not be given back; it ends by itself");
    });
  }

  async #join(): Promise<void> {
    const { instances, newInstanceId, options } = this.#deps;
    const instanceId = newInstanceId();
    const leaseMs = options.isShared ? options.leaseMs : UNSHARED_MS;
    const askedAtMs = performance.now();
    const { epoch } = await instances.join({ instanceId, leaseMs, isAlone: !options.isShared });
    this.#validUntilMs = askedAtMs + leaseMs;
    this.#owner = { instanceId, epoch };
  }

  #schedule(delayMs = this.#intervalMs): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#keep(), delayMs);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #keep(): Promise<void> {
    try {
      if (this.#owner === undefined) await this.#regain();
      else await this.#renew(this.#owner);
      this.#isFailing = false;
      this.#schedule();
    } catch (error) {
      if (!this.#isFailing) {
        this.#deps.log.warn({ error }, "The lease could not be renewed; trying again");
      }
      this.#isFailing = true;
      if (performance.now() >= this.#validUntilMs) this.#lose("it could not be renewed in time");
      this.#schedule(RETRY_MS);
    }
  }

  async #renew({ instanceId }: TurnOwner): Promise<void> {
    const { instances, onCancelled, options } = this.#deps;
    // After a pause of the whole process: nothing may be shown or written before it is clear.
    if (performance.now() >= this.#validUntilMs)
      this.#lose("this process was stopped for too long");
    const askedAtMs = performance.now();
    const late = setTimeout(() => this.#lose("the store does not answer"), this.#leftMs());
    try {
      const renewed = await instances.renew({ instanceId, leaseMs: options.leaseMs });
      if (renewed.kind === "lost") this.#lose("another instance may have taken its turns");
      if (renewed.kind === "lost" || this.#owner === undefined) return await this.#regain();
      this.#validUntilMs = askedAtMs + options.leaseMs;
      onCancelled(renewed.cancelled);
    } finally {
      clearTimeout(late);
    }
  }

  #leftMs(): number {
    return Math.max(0, this.#validUntilMs - performance.now());
  }

  #lose(reason: string): void {
    if (this.#owner === undefined) return;
    this.#deps.log.error({ instanceId: this.#owner.instanceId, reason }, "The lease is lost");
    this.#lost = this.#owner.instanceId;
    this.#owner = undefined;
    this.#deps.onLost();
  }

  async #regain(): Promise<void> {
    if (this.#isClosed) return;
    // A late renewal may have gone through all the same: its turns would wait for its end.
    if (this.#lost !== undefined) await this.#deps.instances.leave(this.#lost);
    this.#lost = undefined;
    await this.#join();
    this.#deps.log.info({ ...this.#owner }, "A new lease was taken");
    this.#deps.onRegained();
  }
}
