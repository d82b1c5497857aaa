import { describe, test } from "vitest";
import { parseUserId } from "#domain/shared/id.ts";
import { grantScopes, isExpired } from "#domain/user/credential.ts";
import { formatScopes, parseScopes, SCOPES } from "#domain/user/scope.ts";
import { changeUser, hasRole, isLastAdmin, isUserName } from "#domain/user/user.ts";

const admin = { id: parseUserId("a"), name: "A", role: "admin", createdAtMs: 0 } as const;

describe("scopes", () => {
  test("formatScopes() and parseScopes() are each other's inverse", ({ expect }) => {
    const some = ["users:read", "sessions:read"] as const;
    expect(parseScopes(formatScopes(some)).toSorted()).toEqual([...some].toSorted());
    expect(parseScopes(formatScopes("all"))).toEqual(SCOPES);
    expect(formatScopes("all")).toBe("*");
    expect(formatScopes(SCOPES)).not.toBe("*");
  });

  test("parseScopes() leaves out what it does not know", ({ expect }) => {
    expect(parseScopes("")).toEqual([]);
    expect(parseScopes("admin:all sessions:read * sessions")).toEqual(["sessions:read"]);
  });

  test("grantScopes() gives no more than there is", ({ expect }) => {
    const own = ["sessions:read", "tokens:write"] as const;
    expect(grantScopes(own, undefined)).toEqual({ kind: "granted", scopes: own });
    expect(grantScopes(own, ["sessions:read"])).toMatchObject({ scopes: ["sessions:read"] });
    expect(grantScopes(own, ["sessions:read", "users:write"])).toEqual({
      kind: "beyond-own",
      scope: "users:write",
    });
  });
});

describe("users", () => {
  test("hasRole() lets the higher do what the lower may", ({ expect }) => {
    const has = (role: "member" | "operator" | "admin") =>
      (["member", "operator", "admin"] as const).map((least) => hasRole({ role }, least));
    expect([has("member"), has("operator"), has("admin")]).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test("changeUser() keeps one administrator", ({ expect }) => {
    expect(changeUser(admin, { role: "member" }, 1)).toBe("last-admin");
    expect(changeUser(admin, { role: "member" }, 2)).toEqual({ ...admin, role: "member" });
    expect(changeUser(admin, { name: "B" }, 1)).toEqual({ ...admin, name: "B" });
    const member = { ...admin, role: "member" } as const;
    expect(changeUser(member, { role: "operator" }, 1)).toMatchObject({ role: "operator" });
    expect([isLastAdmin(admin, 1), isLastAdmin(admin, 2), isLastAdmin(member, 1)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("isUserName() takes what people are called", ({ expect }) => {
    for (const name of ["A", "Ада Лавлейс", "山田", "x".repeat(80)]) {
      expect(isUserName(name), name).toBe(true);
    }
    for (const name of ["", " A", "A ", "a\tb", "a\u0000b", "\ud800", "x".repeat(81)]) {
      expect(isUserName(name), JSON.stringify(name)).toBe(false);
    }
  });

  test("isExpired() holds from the very moment on", ({ expect }) => {
    expect(isExpired({ expiresAtMs: 5 }, 4)).toBe(false);
    expect(isExpired({ expiresAtMs: 5 }, 5)).toBe(true);
    expect(isExpired({ expiresAtMs: undefined }, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});
