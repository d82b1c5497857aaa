import { createRestClient } from "./rest-client.ts";

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

/** Over the REST API of the server at `url`, as whose `token` it is. */
export function createRemoteAccounts(url: string, token: string): Accounts {
  const { ask, listAll } = createRestClient(url, token);
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
