import { describe } from "vitest";
import { scopesOf } from "#presentation/gateway/access.ts";
import { PROBLEM_TYPES } from "#presentation/gateway/problem-types.ts";
import {
  type ApiDocument,
  findDeviation,
  listRoutes,
  type Operation,
  validate,
} from "../../support/api-document.ts";
import { call } from "../../support/call-api.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { gatewayTest as test } from "../../support/gateway-client.ts";

async function read(server: TestGateway): Promise<ApiDocument> {
  const { json, response } = await call(server, "/api/v1/openapi.json", { token: undefined });
  if (response.status !== 200) throw new Error("There is no document");
  return json as ApiDocument;
}

function operationsOf({ paths }: ApiDocument): readonly [name: string, operation: Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method} ${path}`,
      operation,
    ]),
  );
}

describe("the OpenAPI document", () => {
  test("has every route with all that it takes, and nothing else", async ({ expect, server }) => {
    const document = await read(server);
    const routes = listRoutes(server.useCases);
    const operations = new Map(operationsOf(document));
    expect(document.openapi).toBe("3.1.1");
    expect([...operations.keys()].toSorted()).toEqual(
      routes.map(({ method, path }) => `${method} ${path}`).toSorted(),
    );
    for (const { method, path, params, query, headers = [], body, name } of routes) {
      const operation = operations.get(`${method} ${path}`);
      const { parameters = [] } = operation ?? {};
      const named = (place: string) =>
        parameters.filter((each) => each.in === place).map((each) => each.name);
      expect(operation?.operationId).toBe(name);
      expect(named("path"), path).toEqual(params);
      expect(named("header").map((each) => each.toLowerCase())).toEqual(headers);
      const shape = (query as { shape?: object } | undefined)?.shape ?? {};
      expect(named("query"), path).toEqual(Object.keys(shape));
      expect(operation?.requestBody !== undefined, path).toBe(body !== undefined);
    }
  });

  test("resolves each of its references", async ({ expect, server }) => {
    const document = await read(server);
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"(?<ref>[^"]+)"/gu)];
    expect(refs.length).toBeGreaterThan(50);
    for (const { groups } of refs) {
      const path = (groups?.["ref"] ?? "").split("/");
      expect(path.shift()).toBe("#");
      const found = path.reduce<unknown>(
        (at, name) => (at as Readonly<Record<string, unknown>> | undefined)?.[name],
        document,
      );
      expect(found, groups?.["ref"]).toBeTypeOf("object");
    }
  });

  test("says of each operation what it needs", async ({ expect, server }) => {
    const operations = new Map(operationsOf(await read(server)));
    for (const { method, path, access } of listRoutes(server.useCases)) {
      const operation = operations.get(`${method} ${path}`);
      if (access === "anyone") expect(operation?.security, path).toEqual([]);
      else {
        const scopes = access === "signed-in" ? [] : scopesOf(access);
        expect(operation?.security, path).toEqual([{ token: scopes }, { browser: scopes }]);
        expect(operation?.responses, path).toHaveProperty("401");
      }
    }
  });

  test("has examples that its own schemas take", async ({ expect, server }) => {
    const document = await read(server);
    for (const [name, { requestBody }] of operationsOf(document)) {
      const { schema, example } = requestBody?.content["application/json"] ?? {};
      if (schema === undefined) continue;
      expect(validate(document, schema, example), name).toBeUndefined();
      expect(validate(document, schema, { unknown: 1 }), name).toBeDefined();
    }
  });

  test("finds answers that are not as it has them", async ({ expect, server }) => {
    const document = await read(server);
    const answer = { method: "GET", path: "/me", status: 200, type: "application/json" };
    const { json } = await call(server, "/api/v1/me");
    expect(findDeviation(document, { ...answer, body: json })).toBeUndefined();
    expect(findDeviation(document, { ...answer, body: { ...json, more: 1 } })).toContain("more");
    expect(findDeviation(document, { ...answer, status: 418, body: json })).toBeDefined();
  });
});

test("each kind of problem says what it is at its own address", async ({ expect, server }) => {
  for (const [code, { status, title }] of Object.entries(PROBLEM_TYPES)) {
    const type = `/api/v1/problems/${code}`;
    const { json } = await call(server, type, { token: undefined });
    expect(json).toEqual({ type, code, status, title });
  }
  expect((await call(server, "/api/v1/problems/none")).status).toBe(404);
  expect((await call(server, "/api/v1/problems/toString")).status).toBe(404);
});
