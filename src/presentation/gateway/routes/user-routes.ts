import type { UserId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import { hasRole } from "#domain/user/user.ts";
import {
  CreatedToken,
  NewTokenBody,
  NewUserBody,
  TokenList,
  TokensQuery,
  UserChangeBody,
  UserDetail,
  UserList,
  UsersQuery,
} from "../api-schemas.ts";
import { toPage } from "../cursor.ts";
import type { HttpReply } from "../http-reply.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import { toToken, toUser } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";

const NO_USER = problem(reply.notFound("user"));
const READ = { scope: "users:read", role: "admin" } as const;
const WRITE = { scope: "users:write", role: "admin" } as const;
const READ_TOKENS = { scope: "tokens:read", role: "member" } as const;
const WRITE_TOKENS = { scope: "tokens:write", role: "member" } as const;

/** Users are the administrators' business; tokens are their users' and the administrators'. */
export function createUserRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/users",
      access: READ,
      name: "listUsers",
      summary: "All users, in the order of their ids",
      query: UsersQuery,
      answers: { 200: { summary: "One page of them", schema: UserList } },
      async answer({ query: { limit, cursor } }) {
        const found = await deps.listUsers({ limit: limit + 1, after: cursor?.[0] });
        const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
        return json(200, { users: items.map(toUser), ...next });
      },
    }),
    route({
      method: "post",
      path: "/users",
      access: WRITE,
      name: "createUser",
      summary: "Makes a user, who has no token yet",
      body: { schema: NewUserBody, example: { name: "Ada", role: "member" } },
      answers: { 201: { summary: "The user", schema: UserDetail } },
      answer: async ({ principal, body }) =>
        json(201, toUser(await deps.createUser({ actor: principal.user.id, ...body }))),
    }),
    route({
      method: "get",
      path: "/users/{userId}",
      access: READ,
      name: "getUser",
      summary: "One user",
      answers: { 200: { summary: "The user", schema: UserDetail } },
      async answer({ params: { userId } }) {
        const user = await deps.findUser(userId);
        return user === undefined ? NO_USER : json(200, toUser(user));
      },
    }),
    route({
      method: "patch",
      path: "/users/{userId}",
      access: WRITE,
      name: "changeUser",
      summary: "Changes a user's name or role, also for what is open at this moment",
      body: { schema: UserChangeBody, example: { role: "operator" } },
      answers: { 200: { summary: "The user as changed", schema: UserDetail } },
      problems: ["last-admin"],
      async answer({ principal, params: { userId }, body }) {
        const result = await deps.changeUser({ actor: principal.user.id, userId, ...body });
        return result.kind === "changed" ? json(200, toUser(result.user)) : refuse(result.kind);
      },
    }),
    route({
      method: "delete",
      path: "/users/{userId}",
      access: WRITE,
      name: "deleteUser",
      summary: "Deletes a user with all that is theirs, whatever they are doing",
      answers: { 204: { summary: "All of it is gone" } },
      problems: ["last-admin"],
      async answer({ principal, params: { userId } }) {
        const result = await deps.removeUser({ actor: principal.user.id, userId });
        return result === "removed" ? NO_CONTENT : refuse(result);
      },
    }),
    route({
      method: "get",
      path: "/users/{userId}/tokens",
      access: READ_TOKENS,
      name: "listTokens",
      summary: "What a user signs in with: tokens, login links, sessions of browsers",
      query: TokensQuery,
      answers: { 200: { summary: "One page of them", schema: TokenList } },
      answer: ({ principal, params: { userId }, query: { limit, cursor } }) =>
        ofOwnOrAny(principal, userId, async () => {
          const page = { limit: limit + 1, after: cursor?.[0] };
          const found = await deps.listTokens({ userId, ...page });
          const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
          return json(200, { tokens: items.map(toToken), ...next });
        }),
    }),
    route({
      method: "post",
      path: "/users/{userId}/tokens",
      access: WRITE_TOKENS,
      name: "createToken",
      summary: "Makes a token, with no scope that your own credential lacks and no longer life",
      body: {
        schema: NewTokenBody,
        example: { label: "laptop", scopes: ["sessions:read", "sessions:write"] },
      },
      answers: { 201: { summary: "The token, its secret for this once", schema: CreatedToken } },
      answer: ({ principal, params: { userId }, body }) =>
        ofOwnOrAny(principal, userId, async () => {
          const { user, scopes, credentialId } = principal;
          const actor = { id: user.id, scopes, credentialId };
          const result = await deps.createToken({ actor, userId, ...body });
          switch (result.kind) {
            case "created":
              return json(201, { ...toToken(result.credential), secret: result.secret });
            case "beyond-own":
              return problem(reply.insufficientScope(result.scope));
            case "not-found":
              return NO_USER;
            case "maker-gone":
              return problem(reply.UNAUTHORIZED);
            default:
              return result satisfies never;
          }
        }),
    }),
    route({
      method: "delete",
      path: "/users/{userId}/tokens/{tokenId}",
      access: WRITE_TOKENS,
      name: "revokeToken",
      summary: "Revokes one: within a second nothing is open by it any more",
      answers: { 204: { summary: "It is good for nothing now" } },
      answer: ({ principal, params: { userId, tokenId: credentialId } }) =>
        ofOwnOrAny(principal, userId, async () => {
          const actor = principal.user.id;
          const result = await deps.revokeToken({ actor, userId, credentialId });
          return result === "revoked" ? NO_CONTENT : problem(reply.notFound("token"));
        }),
    }),
  ];
}

/** For who is no administrator there is no other user. */
function ofOwnOrAny(
  { user }: Principal,
  userId: UserId,
  answer: () => Promise<HttpReply>,
): HttpReply | Promise<HttpReply> {
  return userId === user.id || hasRole(user, "admin") ? answer() : NO_USER;
}

function refuse(kind: "last-admin" | "not-found"): HttpReply {
  return kind === "not-found" ? NO_USER : problem(reply.LAST_ADMIN);
}
