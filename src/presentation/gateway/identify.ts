import type { Principal } from "#domain/user/credential.ts";
import { readSessionCookie } from "./cookies.ts";
import type { HttpRequest } from "./http.ts";
import type { RateLimits, SignInResult } from "./rate-limits.ts";
import type { GatewayDeps } from "./use-cases.ts";

export type Identified = SignInResult<Principal> | { readonly kind: "nobody" };

/** Looks up who sent something. */
export type Identify = (
  /** With a token only that one counts, whatever cookie came beside it. */
  shown: { readonly token?: string | undefined; readonly cookieSecret?: string | undefined },
  address: string,
) => Promise<Identified>;

export function createIdentify(
  deps: Pick<GatewayDeps, "findBrowserSession" | "signIn">,
  limits: RateLimits,
): Identify {
  return async ({ token, cookieSecret }, address) => {
    if (token !== undefined) {
      return limits.signIn({ address, secret: token, find: (secret) => deps.signIn(secret) });
    }
    if (cookieSecret === undefined) return { kind: "nobody" };
    const find = (secret: string) => deps.findBrowserSession(secret);
    return limits.signIn({ address, secret: cookieSecret, find });
  };
}

/** What a request shows of who sent it. */
export function readShown({ headers: { authorization, cookie } }: Pick<HttpRequest, "headers">): {
  readonly token?: string;
  readonly cookieSecret?: string;
} {
  if (authorization !== "") {
    // Another scheme is an attempt like any other, and no token is empty.
    return {
      token: /^Bearer +(?<token>\S{1,512})$/iu.exec(authorization)?.groups?.["token"] ?? "",
    };
  }
  const cookieSecret = readSessionCookie(cookie);
  return cookieSecret === undefined ? {} : { cookieSecret };
}
