import { describe, test } from "vitest";
import type { HttpRule } from "../../../../runtime/policy/grants.ts";
import { isCovering } from "../../../../runtime/policy/http-rule.ts";

const RULE: HttpRule = {
  rule: "",
  host: "*.example.org",
  schemes: ["https"],
  ports: [443, 8443],
  methods: ["GET", "POST"],
  paths: ["/v1", "/v2/"],
};
const NARROW: Partial<HttpRule> = { host: "api.example.org", methods: ["GET"], paths: ["/v1/x"] };

describe("isCovering()", () => {
  test.for<[string, Partial<HttpRule>, boolean]>([
    ["itself", {}, true],
    ["a narrower one", NARROW, true],
    ["a host below its wildcard", { host: "*.api.example.org" }, true],
    ["the name of its wildcard", { host: "example.org" }, false],
    ["a wider wildcard", { host: "*.org" }, false],
    ["another scheme", { schemes: ["https", "http"] }, false],
    ["any port", { ports: undefined }, false],
    ["another method", { methods: ["GET", "PUT"] }, false],
    ["a path beside its own", { paths: ["/v1", "/v2"] }, false],
    ["any path", { paths: undefined }, false],
  ])("tells whether a rule covers %s", ([, parts, isCovered], { expect }) => {
    expect(isCovering(RULE, { ...RULE, ...parts })).toBe(isCovered);
  });

  test("takes what a rule does not say for any", ({ expect }) => {
    const any: HttpRule = { rule: "", host: "*.example.org" };
    expect(isCovering(any, RULE)).toBe(true);
    expect(isCovering(RULE, any)).toBe(false);
  });
});
