import type { FollowInput, FrameSink } from "#application/follow-session/session-hub.ts";
import type { SessionId } from "#domain/shared/id.ts";
import type { GatewayDeps } from "./use-cases.ts";

const MAX_SUBSCRIPTIONS = 64;

interface Subscription {
  /** The larger, the later it was last heard of. */
  lastHeard: number;
  isStopped: boolean;
  stop?: () => void;
}

export interface SubscriptionsOptions {
  readonly followSession: GatewayDeps["followSession"];
  readonly deliver: FrameSink;
  /** Told when a subscription gives way to a newer one. */
  readonly onEvicted: (sessionId: SessionId) => void;
}

/** The sessions one socket follows: a bounded number, each once. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #bySession = new Map<SessionId, Subscription>();
  #clock = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  has(sessionId: SessionId): boolean {
    return this.#bySession.has(sessionId);
  }

  /** Follows a session, anew where it is followed already. False where there is no such session. */
  async follow(input: FollowInput): Promise<boolean> {
    const subscription = this.#add(input.sessionId);
    try {
      const result = await this.#options.followSession(input, (frames) => {
        if (subscription.isStopped) return;
        subscription.lastHeard = this.#tick();
        this.#options.deliver(frames);
      });
      if (result.kind === "not-found") {
        this.#remove(input.sessionId, subscription);
        return false;
      }
      if (subscription.isStopped) result.stop();
      else subscription.stop = () => result.stop();
      return true;
    } catch (error) {
      this.#remove(input.sessionId, subscription);
      throw error;
    }
  }

  stopAll(): void {
    for (const [sessionId, subscription] of this.#bySession) this.#remove(sessionId, subscription);
  }

  #add(sessionId: SessionId): Subscription {
    const replaced = this.#bySession.get(sessionId);
    if (replaced !== undefined) this.#remove(sessionId, replaced);
    else if (this.#bySession.size >= MAX_SUBSCRIPTIONS) this.#evictQuietest();
    const subscription = { lastHeard: this.#tick(), isStopped: false };
    this.#bySession.set(sessionId, subscription);
    return subscription;
  }

  #remove(sessionId: SessionId, subscription: Subscription): void {
    subscription.isStopped = true;
    subscription.stop?.();
    if (this.#bySession.get(sessionId) === subscription) this.#bySession.delete(sessionId);
  }

  #evictQuietest(): void {
    const [quietest] = [...this.#bySession].toSorted(([, a], [, b]) => a.lastHeard - b.lastHeard);
    if (quietest === undefined) return;
    this.#remove(...quietest);
    this.#options.onEvicted(quietest[0]);
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }
}
