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
import type { ProblemCode } from "./problem-types.ts";
import type { RateLimits } from "./rate-limits.ts";
import * as reply from "./replies.ts";
import { API_BASE } from "./rest.ts";
import { matchPath, type Route } from "./route.ts";
import type { StaticFiles } from "./static-files.ts";
import type { GatewayDeps } from "./use-cases.ts";

/** Routes below one address. */
export interface RouteTable {
  /** As `/api/v1`. */
  readonly base: string;
  readonly routes: readonly Route[];
}

/** A route of the API that is also where Prometheus looks for it. */
const METRICS = "/metrics";

export interface RouterOptions {
  readonly deps: GatewayDeps;
  readonly own: OwnAddresses;
  readonly tables: readonly RouteTable[];
  readonly files: StaticFiles;
  readonly limits: RateLimits;
  readonly identify: Identify;
}

type Reply = HttpReply | StreamReply;

/** Checks where a request comes from, who sent it and may, and hands it to what answers it. */
export function createRouter(options: RouterOptions): HttpHandler {
  const { deps, own, files, limits, identify } = options;
  const tables = options.tables.map(({ base, routes }) => ({
    base,
    routes: routes.map((route) => ({ route, pattern: route.path.split("/") })),
  }));

  return function handle(request) {
    const method = request.method === "head" ? "get" : request.method;
    const probe = method === "get" ? answerProbe(request.path, deps) : undefined;
    if (probe !== undefined) return probe;
    const foreign = findForeign(request, own);
    if (foreign !== undefined) return note(problem(foreign), request);
    const retryAfterMs = limits.takeRequest({ address: request.address });
    if (retryAfterMs !== undefined) return note(tooMany("requests", retryAfterMs), request);
    const path = request.path === METRICS ? API_BASE + METRICS : request.path;
    const table = tables.find(({ base }) => path.startsWith(`${base}/`));
    if (table !== undefined) return callApi(table, { ...request, method, path });
    if (method !== "get") return methodNotAllowed(["get"]);
    return files.find(request.path, request.headers["if-none-match"]) ?? NO_SUCH_PAGE;
  };

  async function callApi(
    { base, routes }: (typeof tables)[number],
    request: HttpRequest,
  ): Promise<Reply> {
    const parts = request.path.slice(base.length).split("/");
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
      return note(await route.answer({ request, params, isSecure, principal: undefined }), request);
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
    const identified = await identify(readShown(request), request.address);
    // Who shows nothing was refused nothing.
    if (identified.kind === "nobody") return problem(reply.UNAUTHORIZED);
    if (identified.kind !== "signed-in") return note(refuse(identified), request);
    const { value: principal } = identified;
    const { id: userId } = principal.user;
    const retryAfterMs = limits.takeRequest({ userId });
    if (retryAfterMs !== undefined) return note(tooMany("requests", retryAfterMs), request, userId);
    const missing = findMissing(access, principal);
    const given = missing === undefined ? await answer(principal) : problem(missing);
    return note(given, request, userId);
  }

  /** Whatever turns somebody away goes on record. */
  function note(given: Reply, request: HttpRequest, userId?: UserId): Reply {
    const code = "code" in given ? given.code : undefined;
    if (code !== undefined && DENIALS.has(code)) {
      deps.noteDenied({ userId, address: request.address, asked: nameOf(request), code });
    }
    return given;
  }
}

const DENIALS: ReadonlySet<ProblemCode> = new Set([
  "forbidden",
  "insufficient-role",
  "insufficient-scope",
  "misdirected",
  "rate-limited",
  "unauthorized",
]);

function refuse(identified: Exclude<Identified, { kind: "nobody" | "signed-in" }>): HttpReply {
  if (identified.kind === "refused") return problem(reply.UNAUTHORIZED);
  return tooMany("failed sign-ins", identified.retryAfterMs);
}

function tooMany(what: string, retryAfterMs: number): HttpReply {
  return problem(reply.rateLimited(what, retryAfterMs));
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

/** How a request is named on record. */
export function nameOf({ method, path }: Pick<HttpRequest, "method" | "path">): string {
  return `${method.toUpperCase()} ${path.slice(0, 200)}`;
}

function methodNotAllowed(methods: readonly string[]): HttpReply {
  const allow = methods.join(", ").toUpperCase();
  const message = `Cannot do this here: expected ${allow}`;
  return problem({ code: "method-not-allowed", message }, { Allow: allow });
}
