import type { ListedSkill } from "#domain/skill/skill.ts";
import { LoginBody, Me, SkillList } from "../api-schemas.ts";
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from "../cookies.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { problem } from "../problem.ts";
import type { RateLimits } from "../rate-limits.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

/** Coming, going, and who one is. */
export function createAccountRoutes(deps: GatewayDeps, limits: RateLimits): readonly Route[] {
  return [
    route({
      method: "post",
      path: "/login",
      access: "anyone",
      name: "login",
      summary: "Logs a browser in: by a token, or by the secret of a login link",
      body: { schema: LoginBody, example: { token: "the-token-from-the-login-link" } },
      answers: { 204: { summary: "Logged in; the cookie `nexflow_session` is set" } },
      problems: ["unauthorized"],
      async answer({ request, body, isSecure }) {
        const result = await limits.signIn({
          address: request.address,
          secret: body.token,
          find: (token) => deps.openBrowserSession(token),
        });
        switch (result.kind) {
          case "signed-in": {
            const cookie = writeSessionCookie(result.value, isSecure);
            return { ...NO_CONTENT, headers: { "Set-Cookie": cookie } };
          }
          case "refused":
            return problem(reply.UNAUTHORIZED);
          case "limited":
            return problem(reply.rateLimited("failed sign-ins", result.retryAfterMs));
          default:
            return result satisfies never;
        }
      },
    }),
    route({
      method: "post",
      path: "/logout",
      access: "anyone",
      name: "logout",
      summary: "Ends the browser session of the cookie, and closes what is open by it",
      answers: { 204: { summary: "Logged out; the cookie is taken back" } },
      async answer({ request, isSecure }) {
        const secret = readSessionCookie(request.headers.cookie);
        if (secret !== undefined) await deps.closeBrowserSession(secret);
        return { ...NO_CONTENT, headers: { "Set-Cookie": clearSessionCookie(isSecure) } };
      },
    }),
    route({
      method: "get",
      path: "/me",
      access: "signed-in",
      name: "getMe",
      summary: "Who you are and what your credential may be used for",
      answers: { 200: { summary: "You", schema: Me } },
      answer({ principal: { user, scopes } }) {
        const { id: userId, name, role } = user;
        return json(200, { userId, name, role, scopes, ...deps.about() });
      },
    }),
    route({
      method: "get",
      path: "/skills",
      access: { scope: "skills:read", role: "member" },
      name: "listSkills",
      summary: "The skills there are and what they can do",
      answers: { 200: { summary: "All of them", schema: SkillList } },
      async answer() {
        const { skills, promptSkills } = await deps.listSkills();
        return json(200, { skills: skills.map(toSkillSummary), promptSkills });
      },
    }),
  ];
}

function toSkillSummary({ name, version, description, tools }: ListedSkill) {
  return {
    name,
    version,
    description,
    tools: tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      effects: tool.effects,
      examples: tool.examples.map((example) => example.text),
    })),
  };
}
