import type { CredentialId } from "#domain/shared/id.ts";
import { isExpired, type Principal } from "#domain/user/credential.ts";
import type { CredentialRepository } from "#domain/user/credential-repository.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";

export interface CredentialWatchDeps {
  readonly credentials: Pick<CredentialRepository, "listPrincipals" | "touch">;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/** Whoever holds a line open by a credential. */
export interface CredentialWatcher {
  /** The credential is good no longer: called once, and nothing after it. */
  onRevoked(): void;
  /** Its user is not as before: another role, say. */
  onChanged(principal: Principal): void;
}

interface Watched {
  principal: Principal;
  readonly watchers: Set<CredentialWatcher>;
}

const CHECK_EVERY_MS = 700;
const TOUCH_EVERY_MS = 60_000;

/**
 * Looks after the credentials by which lines are open: one that expired, was revoked or whose user
 * is gone closes them within a second. Who revokes one here says so; the store is asked again and
 * again, about all of them in one question, for what was revoked by another process.
 */
export class CredentialWatch implements AsyncDisposable {
  readonly #deps: CredentialWatchDeps;
  readonly #watched = new Map<CredentialId, Watched>();
  readonly #used = new Set<CredentialId>();
  readonly #timers: readonly NodeJS.Timeout[];
  #checking: Promise<void> | undefined;

  constructor(deps: CredentialWatchDeps) {
    this.#deps = deps;
    this.#timers = [
      setInterval(() => void this.#checkUnlessBusy(), CHECK_EVERY_MS),
      setInterval(() => void this.#touch(), TOUCH_EVERY_MS),
    ];
  }

  /** Tells `watcher` what becomes of the credential, until the function given is called. */
  watch(principal: Principal, watcher: CredentialWatcher): () => void {
    const { credentialId } = principal;
    const watched = this.#watched.get(credentialId) ?? { principal, watchers: new Set() };
    this.#watched.set(credentialId, watched);
    watched.watchers.add(watcher);
    return () => {
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0 || this.#watched.get(credentialId) !== watched) return;
      this.#watched.delete(credentialId);
    };
  }

  /** Notes that a credential was used; written down once a minute. */
  used(credentialId: CredentialId): void {
    this.#used.add(credentialId);
  }

  /** These were revoked; the others may have changed. */
  revoked(credentialIds: readonly CredentialId[]): void {
    for (const credentialId of credentialIds) this.#end(credentialId);
    void this.check();
  }

  /** Asks the store about all of them. Never rejects; while the store is gone, lines stay open. */
  async check(): Promise<void> {
    // The one that runs may have asked before what is to be found out now.
    while (this.#checking !== undefined) await this.#checking;
    await this.#checkUnlessBusy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#checking;
    await this.#touch();
  }

  #checkUnlessBusy(): Promise<void> {
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #checkAll(): Promise<void> {
    const nowMs = this.#deps.nowMs();
    for (const [credentialId, { principal }] of this.#watched) {
      if (isExpired(principal, nowMs)) this.#end(credentialId);
    }
    const credentialIds = [...this.#watched.keys()];
    if (credentialIds.length === 0) return;
    try {
      const found = await this.#deps.credentials.listPrincipals({ credentialIds, nowMs });
      const good = new Map(found.map((principal) => [principal.credentialId, principal]));
      for (const credentialId of credentialIds) {
        const principal = good.get(credentialId);
        if (principal === undefined) this.#end(credentialId);
        else this.#renew(principal);
      }
    } catch (error) {
      this.#deps.log.warn({ error }, "Cannot look whether credentials are still good");
    }
  }

  #renew(principal: Principal): void {
    const watched = this.#watched.get(principal.credentialId);
    if (watched === undefined || !isChanged(watched.principal, principal)) return;
    watched.principal = principal;
    for (const watcher of watched.watchers) watcher.onChanged(principal);
  }

  #end(credentialId: CredentialId): void {
    const watched = this.#watched.get(credentialId);
    if (watched === undefined) return;
    this.#watched.delete(credentialId);
    for (const watcher of watched.watchers) watcher.onRevoked();
  }

  async #touch(): Promise<void> {
    const credentialIds = [...this.#used];
    if (credentialIds.length === 0) return;
    this.#used.clear();
    try {
      await this.#deps.credentials.touch({ credentialIds, nowMs: this.#deps.nowMs() });
    } catch (error) {
      this.#deps.log.warn({ error }, "Cannot note when credentials were used");
    }
  }
}

function isChanged({ user, scopes }: Principal, other: Principal): boolean {
  const isSameUser = user.role === other.user.role && user.name === other.user.name;
  return !isSameUser || scopes.join(" ") !== other.scopes.join(" ");
}
