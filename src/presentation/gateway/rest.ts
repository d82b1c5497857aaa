import { z } from "zod";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { User } from "#domain/user/user.ts";
import { parseJson, parseValue } from "./bounded-json.ts";
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from "./cookies.ts";
import { toAgUiMessage } from "./event-frame.ts";
import { expecting, idOf, MessageFields, Token } from "./frames.ts";
import type { HttpRequest } from "./http.ts";
import type { HttpReply } from "./http-reply.ts";
import { json } from "./http-reply.ts";
import { problem } from "./problem.ts";
import { createRateLimit } from "./rate-limit.ts";
import * as reply from "./replies.ts";
import type { GatewayDeps } from "./use-cases.ts";

export interface RestOptions {
  readonly deps: GatewayDeps;
  /** Told that a browser session ended, so that nothing goes on living by it. */
  readonly onLogout: (secret: string) => void;
}

/** One request of the API and how it is answered. */
export type Route = { readonly method: "get" | "post" | "delete"; readonly path: string } & (
  | { readonly access: "anyone"; answer(call: Call): HttpReply | Promise<HttpReply> }
  | { readonly access: "users"; answer(call: UserCall): HttpReply | Promise<HttpReply> }
);

export interface Call {
  readonly request: HttpRequest;
  /** What stands for `:id` in the route's path. */
  readonly id: string;
  /** Whether the client came by https. */
  readonly isSecure: boolean;
}

export interface UserCall extends Call {
  readonly user: User;
}

const NO_CONTENT: HttpReply = { status: 204 };
const LOGINS = { most: 10, windowMs: 60_000 };

const LoginBody = z.strictObject({ token: Token });
const MessageBody = z.strictObject(MessageFields);
const SessionsQuery = z.strictObject({
  limit: wholeNumber(1, 200).default(50),
  before: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});
const MessagesQuery = z.strictObject({
  limit: wholeNumber(1, 200).default(200),
  before: idOf("message", parseMessageId).optional(),
});

/** The routes below `/api/v1`; docs/protocol.md is their reference. */
export function createRoutes({ deps, onLogout }: RestOptions): readonly Route[] {
  const takeLogin = createRateLimit(LOGINS);
  return [
    { method: "post", path: "/login", access: "anyone", answer: login },
    { method: "post", path: "/logout", access: "anyone", answer: logout },
    { method: "get", path: "/me", access: "users", answer: me },
    { method: "get", path: "/sessions", access: "users", answer: listSessions },
    { method: "delete", path: "/sessions/:id", access: "users", answer: deleteSession },
    { method: "get", path: "/sessions/:id/messages", access: "users", answer: readMessages },
    { method: "post", path: "/sessions/:id/messages", access: "users", answer: sendMessage },
    { method: "post", path: "/messages", access: "users", answer: sendMessage },
    { method: "post", path: "/turns/:id/cancel", access: "users", answer: cancelTurn },
    { method: "get", path: "/skills", access: "users", answer: listSkills },
  ];

  async function login({ request, isSecure }: Call): Promise<HttpReply> {
    const attempt = takeLogin(request.address, performance.now());
    if (attempt.kind === "limited") return problem(tooManyLogins(attempt.retryAfterMs));
    const body = parseJson(LoginBody, request.body);
    if (body.kind === "bad") return badRequest("body", body.message);
    const user = await deps.signIn(body.value.token);
    if (user === undefined) return problem(reply.UNAUTHORIZED);
    const cookie = writeSessionCookie(await deps.openBrowserSession(user), isSecure);
    return { ...NO_CONTENT, headers: { "Set-Cookie": cookie } };
  }

  async function logout({ request, isSecure }: Call): Promise<HttpReply> {
    const secret = readSessionCookie(request.headers.cookie);
    if (secret !== undefined) {
      await deps.closeBrowserSession(secret);
      onLogout(secret);
    }
    return { ...NO_CONTENT, headers: { "Set-Cookie": clearSessionCookie(isSecure) } };
  }

  function me({ user }: UserCall): HttpReply {
    return json(200, { userId: user.id, name: user.name, role: user.role, ...deps.about });
  }

  async function listSessions({ request, user }: UserCall): Promise<HttpReply> {
    const query = parseQuery(SessionsQuery, request);
    if (query.kind === "bad") return badRequest("query", query.message);
    const { limit, before: beforeMs } = query.value;
    const page = { limit, ...(beforeMs === undefined ? {} : { beforeMs }) };
    const sessions = await deps.listSessions({ userId: user.id, ...page });
    return json(200, {
      sessions: sessions.map(({ id, title, createdAtMs, updatedAtMs }) => ({
        id,
        title,
        createdAtMs,
        updatedAtMs,
      })),
    });
  }

  async function deleteSession({ id, user }: UserCall): Promise<HttpReply> {
    const sessionId = tryParse(parseSessionId, id);
    if (sessionId === undefined) return problem(reply.notFound("session"));
    const result = await deps.deleteSession({ userId: user.id, sessionId });
    switch (result) {
      case "deleted":
        return NO_CONTENT;
      case "not-found":
        return problem(reply.notFound("session"));
      case "busy":
        return problem(reply.BUSY);
      default:
        return result satisfies never;
    }
  }

  async function readMessages({ request, id, user }: UserCall): Promise<HttpReply> {
    const query = parseQuery(MessagesQuery, request);
    if (query.kind === "bad") return badRequest("query", query.message);
    const sessionId = tryParse(parseSessionId, id);
    if (sessionId === undefined) return problem(reply.notFound("session"));
    const { limit, before } = query.value;
    const page = { limit, ...(before === undefined ? {} : { before }) };
    const result = await deps.readMessages({ userId: user.id, sessionId, ...page });
    if (result === undefined) return problem(reply.notFound("session"));
    const { messages, seq, epoch, turns } = result;
    return json(200, { messages: messages.map(toAgUiMessage), seq, epoch, turns });
  }

  async function sendMessage({ request, id, user }: UserCall): Promise<HttpReply> {
    const body = parseJson(MessageBody, request.body);
    if (body.kind === "bad") return badRequest("body", body.message);
    const sessionId = tryParse(parseSessionId, id);
    if (sessionId === undefined && id !== "") return problem(reply.notFound("session"));
    const session = sessionId === undefined ? {} : { sessionId };
    const result = await deps.acceptMessage({ userId: user.id, ...body.value, ...session });
    switch (result.kind) {
      case "accepted": {
        const { clientMessageId } = body.value;
        return json(202, { clientMessageId, ...reply.acceptedFields(result) });
      }
      case "overloaded":
        return problem(reply.overloaded(result.retryAfterMs));
      case "not-found":
        return problem(reply.notFound("session"));
      case "conflict":
        return problem(reply.CONFLICT);
      default:
        return result satisfies never;
    }
  }

  async function cancelTurn({ id, user }: UserCall): Promise<HttpReply> {
    const turnId = tryParse(parseTurnId, id);
    if (turnId === undefined) return problem(reply.notFound("turn"));
    const { kind } = await deps.cancelTurn({ userId: user.id, turnId });
    return kind === "not-found" ? problem(reply.notFound("turn")) : { status: 202 };
  }

  function listSkills(): HttpReply {
    const skills = deps.listSkills().map(({ name, version, description, tools }) => ({
      name,
      version,
      description,
      tools: tools.map((tool) => ({
        name: tool.name,
        description: tool.description,
        examples: tool.examples.map((example) => example.text),
      })),
    }));
    return json(200, { skills });
  }
}

function badRequest(part: "body" | "query", message: string): HttpReply {
  return problem({ code: "bad-frame", message: `Cannot read the ${part}: ${message}` });
}

function tooManyLogins(retryAfterMs: number): reply.Refusal<"rate-limited"> {
  const message = `Cannot log in: expected at most ${LOGINS.most} attempts in a minute`;
  return { code: "rate-limited", message, retryAfterMs };
}

function parseQuery<T>(schema: z.ZodType<T>, { query }: HttpRequest) {
  return parseValue(schema, Object.fromEntries(new URLSearchParams(query)));
}

function tryParse<Id>(parse: (raw: string) => Id, raw: string): Id | undefined {
  try {
    return parse(raw);
  } catch {
    return undefined;
  }
}

/** A number as a query carries it. */
function wholeNumber(least: number, most: number) {
  const expected = `an integer from ${least} to ${most}`;
  return z
    .string(expecting(expected))
    .regex(/^\d{1,16}$/u, expecting(expected))
    .transform(Number)
    .pipe(
      z.int(expecting(expected)).min(least, expecting(expected)).max(most, expecting(expected)),
    );
}
