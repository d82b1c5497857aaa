import type { User } from "#domain/user/user.ts";
import { readSessionCookie } from "./cookies.ts";
import type { HttpHandler, HttpRequest } from "./http.ts";
import type { HttpReply } from "./http-reply.ts";
import { json } from "./http-reply.ts";
import type { OwnAddresses } from "./origin.ts";
import { problem } from "./problem.ts";
import * as reply from "./replies.ts";
import type { Route } from "./rest.ts";
import type { StaticFiles } from "./static-files.ts";
import type { GatewayDeps } from "./use-cases.ts";

const API = "/api/v1";

export interface RouterOptions {
  readonly deps: GatewayDeps;
  readonly own: OwnAddresses;
  readonly routes: readonly Route[];
  readonly files: StaticFiles;
}

/** Checks where a request comes from and who sent it, and hands it to what answers it. */
export function createRouter({ deps, own, routes, files }: RouterOptions): HttpHandler {
  return function handle(request) {
    const method = request.method === "head" ? "get" : request.method;
    const probe = method === "get" ? answerProbe(request.path, deps) : undefined;
    if (probe !== undefined) return probe;
    const foreign = findForeign(request, own);
    if (foreign !== undefined) return problem(foreign);
    if (request.path.startsWith(`${API}/`)) return callApi({ ...request, method });
    if (method !== "get") return methodNotAllowed(["get"]);
    return files.find(request.path, request.headers["if-none-match"]) ?? NO_SUCH_PAGE;
  };

  async function callApi(request: HttpRequest): Promise<HttpReply> {
    const path = request.path.slice(API.length);
    const matching = routes.flatMap((route) => {
      const id = matchPath(route.path, path);
      return id === undefined ? [] : [{ route, id }];
    });
    if (matching.length === 0) return NO_SUCH_PAGE;
    const found = matching.find(({ route }) => route.method === request.method);
    if (found === undefined) return methodNotAllowed(matching.map(({ route }) => route.method));
    const { route, id } = found;
    const call = { request, id, isSecure: own.isSecure(request.headers.host) };
    if (route.access === "anyone") return route.answer(call);
    const user = await findUser(request, deps);
    return user === undefined ? problem(reply.UNAUTHORIZED) : route.answer({ ...call, user });
  }
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

async function findUser(
  { headers: { authorization, cookie } }: HttpRequest,
  deps: GatewayDeps,
): Promise<User | undefined> {
  if (authorization !== "") {
    const token = /^Bearer +(\S{1,512})$/iu.exec(authorization)?.[1];
    return token === undefined ? undefined : deps.signIn(token);
  }
  const secret = readSessionCookie(cookie);
  return secret === undefined ? undefined : deps.findBrowserSession(secret);
}

function methodNotAllowed(methods: readonly string[]): HttpReply {
  const allow = methods.join(", ").toUpperCase();
  const message = `Cannot do this here: expected ${allow}`;
  return problem({ code: "method-not-allowed", message }, { Allow: allow });
}

/** What `path` has where `pattern` says `:id`, "" where it says nothing, nothing if they differ. */
function matchPath(pattern: string, path: string): string | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  const isMatch = wanted.every((part, at) => part === given[at] || part === ":id");
  if (!isMatch || wanted.length !== given.length) return undefined;
  return given[wanted.indexOf(":id")] ?? "";
}
