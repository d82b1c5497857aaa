import type { UserId } from "#domain/shared/id.ts";
import type { User } from "#domain/user/user.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";
import type { NowMs } from "../ports/clock.ts";

export interface SignInDeps {
  readonly users: UserRepository;
  /** sha256 of a secret, hex: secrets are compared and stored by it only. */
  readonly hash: (secret: string) => string;
  /** A new secret of at least 256 bits, URL-safe. */
  readonly newSecret: () => string;
  readonly nowMs: NowMs;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const BROWSER_SESSION_MS = 30 * DAY_MS;

/** Who somebody is, by the secret they show. */
export function createSignIn({ users, hash, newSecret, nowMs }: SignInDeps) {
  const find = (kind: "token" | "browser", secret: string) =>
    users.findByCredential({ hash: hash(secret), kind, nowMs: nowMs() });

  return {
    /** The user of a token, if it is valid. */
    signIn: (token: string): Promise<User | undefined> => find("token", token),

    /** A secret for the user's browser, valid for 30 days. */
    async openBrowserSession(user: User): Promise<{ secret: string; expiresAtMs: number }> {
      const secret = newSecret();
      const createdAtMs = nowMs();
      const expiresAtMs = createdAtMs + BROWSER_SESSION_MS;
      const credential = { hash: hash(secret), userId: user.id, createdAtMs, expiresAtMs };
      await users.addCredential({ ...credential, kind: "browser", label: "browser" });
      return { secret, expiresAtMs };
    },

    findBrowserSession: (secret: string): Promise<User | undefined> => find("browser", secret),

    closeBrowserSession: (secret: string): Promise<void> => users.removeCredential(hash(secret)),

    /** A new token for a user, shown this once; without `lifeMs` it does not expire. */
    async addToken(userId: UserId, label: string, lifeMs?: number): Promise<string> {
      const secret = newSecret();
      const createdAtMs = nowMs();
      const expiresAtMs = lifeMs === undefined ? undefined : createdAtMs + lifeMs;
      const credential = { hash: hash(secret), userId, label, createdAtMs, expiresAtMs };
      await users.addCredential({ ...credential, kind: "token" });
      return secret;
    },
  };
}
