import { ProblemType } from "../api-schemas.ts";
import { json } from "../http-reply.ts";
import { describeApi } from "../openapi.ts";
import { PROBLEM_TYPES } from "../problem-types.ts";
import { type Route, route } from "../route.ts";

/** What the API says of itself; `others` are all its other routes. */
export function createAboutRoutes(others: readonly Route[], version: string): readonly Route[] {
  let document: object | undefined;
  const own: readonly Route[] = [
    route({
      method: "get",
      path: "/openapi.json",
      access: "anyone",
      name: "getOpenApi",
      summary: "This document",
      answers: { 200: { summary: "OpenAPI 3.1" } },
      answer: () => json(200, (document ??= describeApi([...others, ...own], version))),
    }),
    route({
      method: "get",
      path: "/problems/{code}",
      access: "anyone",
      name: "getProblemType",
      summary: "What a code of problems stands for",
      answers: { 200: { summary: "The kind of problem", schema: ProblemType } },
      answer({ params: { code } }) {
        const type = `/api/v1/problems/${code}`;
        return json(200, { type, code, ...PROBLEM_TYPES[code] });
      },
    }),
  ];
  return own;
}
