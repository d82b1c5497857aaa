import { test } from "vitest";
import { parseUserId } from "#domain/shared/id.ts";
import { findMissing } from "#presentation/gateway/access.ts";
import { namesIn } from "#presentation/gateway/path-params.ts";
import { matchPath, route } from "#presentation/gateway/route.ts";

const rest = { method: "get", path: "/x", name: "x", summary: "x", answers: {} } as const;
const answer = () => ({ status: 204 });

test("route() without declared access is an error of types", ({ expect }) => {
  // @ts-expect-error -- a route must say whom it serves: the check of types fails where not
  expect(route({ ...rest, answer })).toMatchObject({ path: "/x" });
  // @ts-expect-error -- a scope without a role is no access
  expect(route({ ...rest, access: { scope: "audit:read" }, answer })).toBeDefined();
  // @ts-expect-error -- there is no such scope
  expect(route({ ...rest, access: { scope: "all", role: "member" }, answer })).toBeDefined();
  expect(route({ ...rest, access: "anyone", answer })).toMatchObject({ access: "anyone" });
});

test("route() knows the parameters of its path by their types", ({ expect }) => {
  const made = route({
    ...rest,
    path: "/sessions/{sessionId}",
    access: "signed-in",
    answer({ params }) {
      // @ts-expect-error -- the path has no such parameter
      return { status: params.turnId === undefined ? 204 : 200 };
    },
  });
  expect(made.params).toEqual(["sessionId"]);
  expect(() => namesIn("/x/{unknown}")).toThrow('parameter "unknown" is unknown');
});

test("matchPath() takes what stands for each part and nothing else", ({ expect }) => {
  const pattern = "/a/{sessionId}/b".split("/");
  expect(matchPath(pattern, "/a/x/b".split("/"))).toEqual({ sessionId: "x" });
  for (const other of ["/a/x", "/a/x/b/", "/a/x/c", "/A/x/b", "/a/x/y/b"]) {
    expect(matchPath(pattern, other.split("/")), other).toBeUndefined();
  }
});

test("findMissing() goes by the credential's scopes and its user's role", ({ expect }) => {
  const user = { id: parseUserId("u"), name: "U", role: "operator", createdAtMs: 0 } as const;
  const principal = {
    user,
    scopes: ["audit:read"],
    credentialId: "c" as never,
    expiresAtMs: undefined,
  } as const;
  expect(findMissing("signed-in", principal)).toBeUndefined();
  expect(findMissing({ scope: "audit:read", role: "operator" }, principal)).toBeUndefined();
  expect(findMissing({ scope: "audit:read", role: "member" }, principal)).toBeUndefined();
  expect(findMissing({ scope: "audit:read", role: "admin" }, principal)?.code).toBe(
    "insufficient-role",
  );
  expect(findMissing({ scope: "users:read", role: "member" }, principal)?.code).toBe(
    "insufficient-scope",
  );
});
