import type { z } from "zod";
import type { Principal } from "#domain/user/credential.ts";
import type { Access } from "./access.ts";
import { type JsonBounds, type Parsed, parseJson, parseValue } from "./bounded-json.ts";
import type { HttpRequest } from "./http.ts";
import type { HttpReply, StreamReply } from "./http-reply.ts";
import { namesIn, PATH_PARAMS, type ParamsOf, type PathParam } from "./path-params.ts";
import { problem } from "./problem.ts";
import type { ProblemCode } from "./problem-types.ts";
import * as reply from "./replies.ts";

export type Method = "delete" | "get" | "patch" | "post" | "put";

/** Headers beyond the usual that a route reads; what they mean stands in `header-docs.ts`. */
export type RouteHeader = "idempotency-key" | "last-event-id" | "prefer";

/** A request whose sender may make it, as it came. */
export interface RawCall {
  readonly request: HttpRequest;
  /** What stands for each `{}` of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly principal: Principal | undefined;
  /** Whether the client came by https. */
  readonly isSecure: boolean;
}

type Reply = HttpReply | StreamReply;

/** One request of the API: who may make it, what it takes, how it is answered. */
export interface Route extends RouteDocs {
  readonly method: Method;
  /** Below `/api/v1`. */
  readonly path: string;
  readonly params: readonly PathParam[];
  readonly access: Access;
  readonly query: z.ZodType | undefined;
  readonly body: RouteBody<unknown> | undefined;
  answer(call: RawCall): Reply | Promise<Reply>;
}

export interface RouteDocs {
  readonly name: string;
  readonly summary: string;
  readonly headers?: readonly RouteHeader[];
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  /** Problems beyond those that every route of its kind may answer with. */
  readonly problems?: readonly ProblemCode[];
}

export interface RouteAnswer {
  readonly summary: string;
  readonly schema?: z.ZodType;
  /** JSON unless told otherwise. */
  readonly type?: string;
}

export interface RouteBody<Body> {
  readonly schema: z.ZodType<Body>;
  /** One that the schema takes. */
  readonly example: object;
  /** Left out: those of what is no longer than a frame. */
  readonly bounds?: JsonBounds;
}

/** A request that was read and found to be as its route wants it. */
export interface Call<Path extends string, A extends Access, Query, Body> {
  readonly request: HttpRequest;
  readonly params: ParamsOf<Path>;
  readonly query: Query;
  readonly body: Body;
  readonly principal: A extends "anyone" ? undefined : Principal;
  readonly isSecure: boolean;
}

export interface RouteInput<Path extends string, A extends Access, Query, Body> extends RouteDocs {
  readonly method: Method;
  readonly path: Path;
  /** There is no default: a route that does not say whom it serves is an error of types. */
  readonly access: A;
  readonly query?: z.ZodType<Query>;
  readonly body?: RouteBody<Body>;
  answer(call: Call<Path, A, Query, Body>): Reply | Promise<Reply>;
}

/** Makes the route that reads its requests by its own schemas before it answers them. */
export function route<
  const Path extends string,
  const A extends Access,
  Query = undefined,
  Body = undefined,
>(input: RouteInput<Path, A, Query, Body>): Route {
  const { query: querySchema, body: bodySchema } = input;
  const names = namesIn(input.path);
  return { ...input, params: names, query: querySchema, body: bodySchema, answer };

  function answer(call: RawCall): Reply | Promise<Reply> {
    const params: Record<string, unknown> = {};
    for (const name of names) {
      const { what, parse } = PATH_PARAMS[name];
      const id = tryParse(parse, call.params[name] ?? "");
      if (id === undefined) return problem(reply.notFound(what));
      params[name] = id;
    }
    const query = readQuery(querySchema, call.request);
    if (query.kind === "bad") return badRequest("query", query.message);
    const body = readBody(bodySchema, call.request);
    if (body.kind === "bad") return badRequest("body", body.message);
    // Each part was just read by the schema that its type comes from.
    return input.answer({ ...call, params, query: query.value, body: body.value } as Call<
      Path,
      A,
      Query,
      Body
    >);
  }
}

/** What `path` has where that of a route has `{}`; nothing where the two differ. */
export function matchPath(
  pattern: readonly string[],
  parts: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, wanted] of pattern.entries()) {
    const given = parts[at] ?? "";
    if (wanted.startsWith("{")) params[wanted.slice(1, -1)] = given;
    else if (wanted !== given) return undefined;
  }
  return params;
}

export function badRequest(part: "body" | "header" | "query", message: string): HttpReply {
  return problem({ code: "bad-frame", message: `Cannot read the ${part}: ${message}` });
}

const NOTHING = { kind: "ok", value: undefined } as const;

function readQuery(schema: z.ZodType | undefined, { query }: HttpRequest): Parsed<unknown> {
  const given = new URLSearchParams(query);
  if (schema !== undefined) {
    const twice = [...given.keys()].find((name, at, all) => all.indexOf(name) !== at);
    if (twice !== undefined) return bad(`field ${JSON.stringify(twice.slice(0, 64))} comes twice`);
    return parseValue(schema, Object.fromEntries(given));
  }
  const [name] = given.keys();
  if (name === undefined) return NOTHING;
  return bad(`field ${JSON.stringify(name.slice(0, 64))} is unknown, expected none of that name`);
}

function readBody(wanted: RouteBody<unknown> | undefined, { body }: HttpRequest): Parsed<unknown> {
  if (wanted !== undefined) return parseJson(wanted.schema, body, wanted.bounds);
  return body === "" || body === "{}" ? NOTHING : bad("expected none");
}

function bad(message: string): Parsed<never> {
  return { kind: "bad", message, raw: undefined };
}

function tryParse(parse: (raw: string) => unknown, raw: string): unknown {
  try {
    return parse(raw);
  } catch {
    return undefined;
  }
}
