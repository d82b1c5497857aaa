import { CommandError } from "./command-error.ts";

/** Users and tokens as commands manage them, over a running server or on the store itself. */
export interface Accounts extends AsyncDisposable {
  /** All of them. */
  listUsers(): Promise<readonly UserRow[]>;
  addUser(input: { readonly name: string; readonly role: string }): Promise<UserRow>;
  /** Rejects with `CommandError`, as all that follow, where there is no such user or token. */
  changeRole(userId: string, role: string): Promise<UserRow>;
  removeUser(userId: string): Promise<void>;
  /** All of one user. */
  listTokens(userId: string): Promise<readonly TokenRow[]>;
  addToken(userId: string, token: NewToken): Promise<TokenRow & { readonly secret: string }>;
  revokeToken(userId: string, tokenId: string): Promise<void>;
}

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly createdAtMs: number;
}

export interface NewToken {
  readonly label: string;
  /** Left out: all there are. */
  readonly scopes?: readonly string[];
  readonly expiresAtMs?: number;
}

export interface TokenRow {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
  readonly lastUsedAtMs?: number | undefined;
}

export interface AccountsDeps {
  /** Rejects with `CommandError` where there is neither a server nor a store. */
  readonly openAccounts: () => Promise<Accounts>;
}

/** Does something with the accounts and closes them. */
export async function useAccounts<T>(
  { openAccounts }: AccountsDeps,
  work: (accounts: Accounts) => Promise<T>,
): Promise<T> {
  const accounts = await openAccounts();
  try {
    return await work(accounts);
  } finally {
    await accounts[Symbol.asyncDispose]();
  }
}

const PATIENCE_MS = 10_000;
const PAGE = 200;

/** Over the REST API of the server at `url`, as whose `token` it is. */
export function createRemoteAccounts(url: string, token: string): Accounts {
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(`/api/v1${path}`, url), {
      method,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      const message = `Cannot reach Nexflow at ${url}`;
      throw new CommandError("unreachable", message, { cause: error });
    });
    const text = await response.text();
    if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
    throw toError(text, response.status);
  }

  async function listAll<T>(path: string, field: string): Promise<readonly T[]> {
    const all: T[] = [];
    let cursor = "";
    do {
      const page = await ask<Record<string, unknown>>("GET", `${path}?limit=${PAGE}${cursor}`);
      all.push(...(page[field] as readonly T[]));
      const { nextCursor } = page as { readonly nextCursor?: string };
      cursor = nextCursor === undefined ? "" : `&cursor=${nextCursor}`;
    } while (cursor !== "");
    return all;
  }

  const tokensOf = (userId: string) => `/users/${encodeURIComponent(userId)}/tokens`;
  return {
    listUsers: () => listAll("/users", "users"),
    addUser: (input) => ask("POST", "/users", input),
    changeRole: (userId, role) => ask("PATCH", `/users/${encodeURIComponent(userId)}`, { role }),
    removeUser: (userId) => ask("DELETE", `/users/${encodeURIComponent(userId)}`),
    listTokens: (userId) => listAll(tokensOf(userId), "tokens"),
    addToken: (userId, input) => ask("POST", tokensOf(userId), input),
    revokeToken: (userId, tokenId) =>
      ask("DELETE", `${tokensOf(userId)}/${encodeURIComponent(tokenId)}`),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function toError(text: string, status: number): CommandError {
  try {
    const { code, detail } = JSON.parse(text) as { code: string; detail: string };
    return new CommandError(code, detail);
  } catch {
    return new CommandError("refused", `The server answered with status ${status}`);
  }
}
