import type { UserId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import { findMissing } from "./access.ts";
import { readSessionCookie } from "./cookies.ts";
import type { HttpHandler, HttpRequest } from "./http.ts";
import type { HttpReply, StreamReply } from "./http-reply.ts";
import { json } from "./http-reply.ts";
import { type Identified, type Identify, readShown } from "./identify.ts";
import type { OwnAddresses } from "./origin.ts";
import { problem } from "./problem.ts";
import type { RateLimits } from "./rate-limits.ts";
import * as reply from "./replies.ts";
import { matchPath, type Route } from "./route.ts";
import type { StaticFiles } from "./static-files.ts";
import type { GatewayDeps } from "./use-cases.ts";

const API = "/api/v1";

export interface RouterOptions {
  readonly deps: GatewayDeps;
  readonly own: OwnAddresses;
  readonly routes: readonly Route[];
  readonly files: StaticFiles;
  readonly limits: RateLimits;
  readonly identify: Identify;
}

type Reply = HttpReply | StreamReply;

/** Checks where a request comes from, who sent it and may, and hands it to what answers it. */
export function createRouter(options: RouterOptions): HttpHandler {
  const { deps, own, files, limits, identify } = options;
  const routes = options.routes.map((route) => ({ route, pattern: route.path.split("/") }));

  return function handle(request) {
    const method = request.method === "head" ? "get" : request.method;
    const probe = method === "get" ? answerProbe(request.path, deps) : undefined;
    if (probe !== undefined) return probe;
    const foreign = findForeign(request, own);
    if (foreign !== undefined) return problem(foreign);
    const retryAfterMs = limits.takeRequest({ address: request.address });
    if (retryAfterMs !== undefined) return tooMany("requests", { retryAfterMs, request });
    if (request.path.startsWith(`${API}/`)) return callApi({ ...request, method });
    if (method !== "get") return methodNotAllowed(["get"]);
    return files.find(request.path, request.headers["if-none-match"]) ?? NO_SUCH_PAGE;
  };

  function callApi(request: HttpRequest): Reply | Promise<Reply> {
    const parts = request.path.slice(API.length).split("/");
    const matching = routes.flatMap(({ route, pattern }) => {
      const params = matchPath(pattern, parts);
      return params === undefined ? [] : [{ route, params }];
    });
    if (matching.length === 0) return NO_SUCH_PAGE;
    // What a path says literally goes before what it leaves open.
    const closest = Math.min(...matching.map(({ route }) => route.params.length));
    const here = matching.filter(({ route }) => route.params.length === closest);
    const found = here.find(({ route }) => route.method === request.method);
    if (found === undefined) return methodNotAllowed(here.map(({ route }) => route.method));
    const { route, params } = found;
    const isSecure = own.isSecure(request.headers.host);
    if (route.access === "anyone") {
      return route.answer({ request, params, isSecure, principal: undefined });
    }
    return admit(route, request, (principal) =>
      route.answer({ request, params, isSecure, principal }),
    );
  }

  /** Calls `answer` with who sent the request, where that one may; else says why not. */
  async function admit(
    { access }: Route,
    request: HttpRequest,
    answer: (principal: Principal) => Reply | Promise<Reply>,
  ): Promise<Reply> {
    const { address } = request;
    const identified = await identify(readShown(request), address);
    if (identified.kind !== "signed-in") return refuse(identified, request);
    const { value: principal } = identified;
    const { id: userId } = principal.user;
    const retryAfterMs = limits.takeRequest({ userId });
    if (retryAfterMs !== undefined) return tooMany("requests", { retryAfterMs, request, userId });
    const missing = findMissing(access, principal);
    if (missing === undefined) return answer(principal);
    deps.noteDenied({ userId, address, asked: nameOf(request), code: missing.code });
    return problem(missing);
  }

  function refuse(
    identified: Exclude<Identified, { kind: "signed-in" }>,
    request: HttpRequest,
  ): HttpReply {
    if (identified.kind === "limited") {
      const { retryAfterMs } = identified;
      return tooMany("failed sign-ins", { retryAfterMs, request });
    }
    if (identified.kind === "refused") {
      const { code } = reply.UNAUTHORIZED;
      const { address } = request;
      deps.noteDenied({ userId: undefined, address, asked: nameOf(request), code });
    }
    return problem(reply.UNAUTHORIZED);
  }

  function tooMany(what: string, { retryAfterMs, request, userId }: TooMany): HttpReply {
    const refusal = reply.rateLimited(what, retryAfterMs);
    const { address } = request;
    deps.noteDenied({ userId, address, asked: nameOf(request), code: refusal.code });
    return problem(refusal);
  }
}

interface TooMany {
  readonly retryAfterMs: number;
  readonly request: HttpRequest;
  readonly userId?: UserId;
}

const NO_SUCH_PAGE = problem({ code: "not-found", message: "Cannot find this address" });

/** Probes come from anywhere: they say nothing secret and change nothing. */
function answerProbe(path: string, deps: GatewayDeps): HttpReply | undefined {
  if (path === "/healthz") return json(200, { isAlive: true });
  if (path !== "/readyz") return undefined;
  const readiness = deps.readiness();
  return json(readiness.isReady ? 200 : 503, readiness);
}

/** Why a request must not be answered: it was meant for another server or sent by its page. */
export function findForeign(
  { method, headers: { host, origin, cookie, authorization } }: ForeignInput,
  own: OwnAddresses,
): reply.Refusal<"forbidden" | "misdirected"> | undefined {
  if (!own.isOwnHost(host)) return reply.misdirected(host);
  if (origin !== "" && !own.isOwnOrigin(origin)) return reply.foreignOrigin(origin);
  const isByCookie = authorization === "" && readSessionCookie(cookie) !== undefined;
  const isChange = method !== "get" && method !== "head";
  return isByCookie && isChange && origin === "" ? reply.foreignOrigin(origin) : undefined;
}

type ForeignInput = Pick<HttpRequest, "method" | "headers">;

function nameOf({ method, path }: HttpRequest): string {
  return `${method.toUpperCase()} ${path.slice(0, 200)}`;
}

function methodNotAllowed(methods: readonly string[]): HttpReply {
  const allow = methods.join(", ").toUpperCase();
  const message = `Cannot do this here: expected ${allow}`;
  return problem({ code: "method-not-allowed", message }, { Allow: allow });
}
