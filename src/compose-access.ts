import { createManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import { createManageUsers } from "#application/manage-users/manage-users.ts";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { createSignIn } from "#application/sign-in/sign-in.ts";
import { CredentialWatch } from "#application/watch-credentials/credential-watch.ts";
import type { AuditEvent, AuditLog } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseCredentialId, type UserId } from "#domain/shared/id.ts";
import { systemCreated } from "#domain/user/credential.ts";
import { ADMIN } from "#domain/user/user.ts";
import { hashSecret, newId, newSecret } from "#infrastructure/ids/ids.ts";
import type { Store } from "#infrastructure/store/open-store.ts";
import {
  createCredentialRepository,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";

/*
 * Who may come in, put together: users, what they sign in with, and the watch over what is revoked.
 */

export interface AccessDeps {
  readonly store: Store;
  readonly auditLog: Pick<AuditLog, "append">;
  readonly bus: Bus;
  readonly stopTurnsOf: (userId: UserId) => void;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** A notification of Postgres holds 8,000 bytes. */
const MAX_TOLD = 100;

export function openAccess({ store, auditLog, bus, stopTurnsOf, nowMs, log }: AccessDeps) {
  const users = createUserRepository(store.reader, store.writer);
  const credentials = createCredentialRepository(store.reader, store.writer);
  const watch = new CredentialWatch({ credentials, nowMs, log });
  // Looks at once instead of within the second.
  const stopListening = bus.listen(({ kind }) => {
    if (kind === "credentials-revoked" || kind === "reconnected") void watch.check();
  });
  const deps = {
    users,
    credentials,
    credentialsRevoked: (ids: readonly CredentialId[]) => {
      watch.revoked(ids);
      for (let at = 0; at < ids.length; at += MAX_TOLD) {
        bus.publish({ kind: "credentials-revoked", credentialIds: ids.slice(at, at + MAX_TOLD) });
      }
    },
    onUsed: (id: CredentialId) => watch.used(id),
    audit: (event: AuditEvent) => auditLog.append([event]),
    stopTurnsOf,
    hash: hashSecret,
    newSecret,
    newId,
    nowMs,
  };
  const signIn = createSignIn(deps);
  return {
    watch,
    useCases: { ...signIn, ...createManageUsers(deps), ...createManageTokens(deps) },

    /**
     * Sees to it that there is an admin who can sign in: with the token of the environment, which
     * replaces any earlier one from there, or with one made now. Gives the latter, this once.
     */
    async setUpAdmin(adminToken: string | undefined): Promise<string | undefined> {
      await users.add({ ...ADMIN, createdAtMs: nowMs() });
      const token = { id: parseCredentialId(newId()), kind: "token", userId: ADMIN.id } as const;
      const { id, userId } = token;
      const hash = adminToken === undefined ? undefined : hashSecret(adminToken);
      await credentials.replaceToken(
        { id, label: "NEXFLOW_ADMIN_TOKEN", userId, hash, nowMs: nowMs() },
        systemCreated(token, nowMs()),
      );
      return (await credentials.hasToken()) ? undefined : signIn.addToken(ADMIN.id, "first start");
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopListening();
      await watch[Symbol.asyncDispose]();
    },
  };
}
