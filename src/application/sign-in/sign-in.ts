import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseCredentialId, type UserId } from "#domain/shared/id.ts";
import { type Principal, systemCreated } from "#domain/user/credential.ts";
import type { CredentialRepository, NewCredential } from "#domain/user/credential-repository.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { CredentialsRevoked } from "../ports/credentials-revoked.ts";

export interface SignInDeps {
  readonly credentials: CredentialRepository;
  readonly credentialsRevoked: CredentialsRevoked;
  /** Told of each credential by which somebody came in. */
  readonly onUsed: (credentialId: CredentialId) => void;
  /** sha256 of a secret, hex: secrets are compared and stored by it only. */
  readonly hash: (secret: string) => string;
  /** A new secret of at least 256 bits, URL-safe. */
  readonly newSecret: () => string;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const BROWSER_SESSION_MS = 30 * DAY_MS;

/** Who somebody is, by the secret they show. */
export function createSignIn(deps: SignInDeps) {
  const { credentials, credentialsRevoked, onUsed, hash, newSecret, newId, nowMs } = deps;
  const find = async (kind: NewCredential["kind"], secret: string) => {
    const principal = await credentials.findPrincipal({ hash: hash(secret), kind, nowMs: nowMs() });
    if (principal !== undefined) onUsed(principal.credentialId);
    return principal;
  };

  return {
    /** Whose token this is, if it is valid. */
    signIn: (token: string): Promise<Principal | undefined> => find("token", token),

    /**
     * A secret for the browser of who shows a token or a login link: with the scopes of that one,
     * for 30 days. One that a token opened ends with the token; a link lets one browser in, once.
     */
    async openBrowserSession(
      shown: string,
    ): Promise<{ secret: string; expiresAtMs: number } | undefined> {
      const byToken = await find("token", shown);
      const principal = byToken ?? (await find("link", shown));
      if (principal === undefined) return undefined;
      const secret = newSecret();
      const createdAtMs = nowMs();
      const latestMs = createdAtMs + BROWSER_SESSION_MS;
      const expiresAtMs = Math.min(latestMs, byToken?.expiresAtMs ?? latestMs);
      const { user, scopes, credentialId: byCredentialId } = principal;
      const id = parseCredentialId(newId());
      const event: AuditEvent = {
        atMs: createdAtMs,
        actor: user.id,
        action: "session.opened",
        subject: `user:${user.id}`,
        decision: "allowed",
        detail: { credentialId: id, byCredentialId },
      };
      const session: NewCredential = {
        id,
        hash: hash(secret),
        kind: "browser",
        userId: user.id,
        label: "browser",
        scopes,
        parentId: byToken?.credentialId,
        linkHash: byToken === undefined ? hash(shown) : undefined,
        createdAtMs,
        expiresAtMs,
      };
      const added = await credentials.add(session, event);
      return added.kind === "added" ? { secret, expiresAtMs } : undefined;
    },

    findBrowserSession: (secret: string): Promise<Principal | undefined> => find("browser", secret),

    async closeBrowserSession(secret: string): Promise<void> {
      credentialsRevoked(await credentials.removeByHash({ hash: hash(secret), kind: "browser" }));
    },

    /** A new token with every scope, shown this once; it does not expire. */
    async addToken(userId: UserId, label: string): Promise<string> {
      const secret = newSecret();
      const createdAtMs = nowMs();
      const token = { id: parseCredentialId(newId()), kind: "token", userId, createdAtMs } as const;
      await credentials.add(
        { ...token, hash: hash(secret), label, scopes: "all" },
        systemCreated(token, createdAtMs),
      );
      return secret;
    },
  };
}
