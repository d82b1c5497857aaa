import { describe, test } from "vitest";
import type { GrantedPolicy } from "../../../../runtime/policy/effective-policy.ts";
import type { HttpGrant, HttpRule, Mode } from "../../../../runtime/policy/grants.ts";
import { decideHttp, HTTP_DEFAULTS } from "../../../../runtime/policy/http-decision.ts";
import { PLATFORM_LIMITS } from "../../../../runtime/policy/limits.ts";
import { ALLOWED_CALLS } from "../../../support/granted-policy.ts";

const API: HttpRule = {
  rule: "p.yaml:30: grants.http.allow.0",
  host: "api.example.org",
  schemes: ["https"],
  ports: [443],
  methods: ["GET", "POST"],
  paths: ["/v1"],
  maxResponseBytes: 2_048,
};
const ANY_OF_IT: HttpRule = { rule: "manifest: capabilities.http.0", host: "api.example.org" };
const NOT_ASKED = { verdict: "denied", rule: "manifest: capabilities.http" };

describe("decideHttp()", () => {
  test("allows what policy and manifest allow, with the rule's limits", ({ expect }) => {
    expect(decide("GET https://api.example.org/v1/items")).toEqual({
      ruling: { verdict: "allowed", rule: API.rule },
      limits: { ...HTTP_DEFAULTS, maxResponseBytes: 2_048 },
    });
  });

  test.for<[string, string]>([
    ["another host", "GET https://example.org/v1"],
    ["a longer host", "GET https://api.example.org.evil.example/v1"],
    ["a host that ends like it", "GET https://evil-api.example.org/v1"],
    ["a root host", "GET https://api.example.org./v1"],
    ["another scheme", "GET http://api.example.org/v1"],
    ["another port", "GET https://api.example.org:8443/v1"],
    ["another method", "DELETE https://api.example.org/v1"],
    ["another path", "GET https://api.example.org/v2"],
    ["a path that begins like it", "GET https://api.example.org/v1x"],
    ["a path out of it", "GET https://api.example.org/v1/../admin"],
    ["an encoded way out", "GET https://api.example.org/v1/..%2fadmin"],
    ["a doubly encoded way out", "GET https://api.example.org/v1/..%252fadmin"],
    ["a backslash way out", "GET https://api.example.org/v1/..%5Cadmin"],
    ["a way out in overlong UTF-8", "GET https://api.example.org/v1/..%c0%afadmin"],
    ["a way out with an end of text", "GET https://api.example.org/v1/..%00/admin"],
    ["a way out with a parameter", "GET https://api.example.org/v1/..;/admin"],
    ["encoded dots with a parameter", "GET https://api.example.org/v1/%2e%2E;x/admin"],
  ])("denies %s", ([, request], { expect }) => {
    const asked = [{ ...ANY_OF_IT, host: "*.example.org" }, ANY_OF_IT];
    const all = { asked: [...asked, ...HOSTS.map((host) => ({ ...ANY_OF_IT, host }))] };
    expect(decide(request, all).ruling).toEqual({ verdict: "denied", rule: "p.yaml:28: allow" });
  });

  test("denies what the manifest does not ask for", ({ expect }) => {
    const asked = [{ ...ANY_OF_IT, methods: ["POST"] }];
    expect(decide("GET https://api.example.org/v1", { asked }).ruling).toEqual(NOT_ASKED);
    expect(decide("POST https://api.example.org/v1", { asked }).ruling.verdict).toBe("allowed");
  });

  test("takes a leading *. for subdomains of any depth, not for the name itself", ({ expect }) => {
    const wild = { allow: [{ ...API, host: "*.example.org" }], asked: [ANY_OF_IT] };
    const asked = ["example.org", "*.example.org"].map((host) => ({ ...ANY_OF_IT, host }));
    const verdict = (url: string) => decide(`GET ${url}`, { ...wild, asked }).ruling.verdict;
    expect(verdict("https://a.example.org/v1")).toBe("allowed");
    expect(verdict("https://a.b.example.org/v1")).toBe("allowed");
    expect(verdict("https://example.org/v1")).toBe("denied");
    expect(verdict("https://aexample.org/v1")).toBe("denied");
  });

  test("allows odd paths where any path is allowed", ({ expect }) => {
    const allow = [{ ...API, paths: ["/"] }];
    const odd = decide("GET https://api.example.org/files/a%2fb", { allow });
    expect(odd.ruling.verdict).toBe("allowed");
  });

  test.for<[string, string]>([
    ["plainly", "/v1/admin/users"],
    ["in capitals", "/v1/ADMIN"],
    ["encoded", "/v1/%61dmin"],
    ["with doubled slashes", "//v1//admin"],
    ["with a parameter", "/v1/admin;x=1"],
    ["perhaps", "/v1/x/..%2fadmin"],
  ])("lets deny beat allow for a path given %s", ([, path], { expect }) => {
    const deny = [{ rule: "p.yaml:40: deny", host: "*.example.org", paths: ["/v1/admin"] }];
    const allow = [{ ...API, paths: ["/"] }];
    expect(decide(`GET https://api.example.org${path}`, { allow, deny }).ruling).toEqual({
      verdict: "denied",
      rule: "p.yaml:40: deny",
    });
    expect(decide("GET https://api.example.org/v1/adminx", { allow, deny }).ruling).toEqual({
      verdict: "allowed",
      rule: API.rule,
    });
  });

  test("denies the root form of a denied host", ({ expect }) => {
    const allow = [{ ...API, host: "*.org." }];
    const deny = [{ rule: "p.yaml:40: deny", host: "api.example.org" }];
    const asked = [{ ...ANY_OF_IT, host: "api.example.org." }];
    const { ruling } = decide("GET https://api.example.org./v1", { allow, deny, asked });
    expect(ruling.rule).toBe("p.yaml:40: deny");
  });

  test.for<[Mode, string, string]>([
    ["audit", "/v2", "audited"],
    ["learn", "/v2", "learned"],
    ["audit", "/v1", "allowed"],
  ])("in mode %s lets %s happen as %s", ([mode, path, verdict], { expect }) => {
    const { ruling } = decideHttp(
      createPolicy({}, mode),
      ask(`GET https://api.example.org${path}`),
    );
    expect(ruling.verdict).toBe(verdict);
  });

  test("binds the manifest in mode audit, not in mode learn", ({ expect }) => {
    const unasked = (mode: Mode) =>
      decideHttp(createPolicy({ asked: [] }, mode), ask("GET https://api.example.org/v1")).ruling;
    expect(unasked("audit")).toEqual(NOT_ASKED);
    expect(unasked("learn")).toEqual({ ...NOT_ASKED, verdict: "learned" });
  });
});

const HOSTS = ["example.org", "api.example.org.evil.example", "api.example.org."];

function decide(request: string, http: Partial<HttpGrant> = {}) {
  return decideHttp(createPolicy(http), ask(request));
}

function ask(request: string) {
  const [method = "", text = ""] = request.split(" ");
  const { protocol, hostname: host, port, pathname: path } = new URL(text);
  const scheme = protocol.slice(0, -1);
  return { scheme, host, port: Number(port || (scheme === "https" ? 443 : 80)), method, path };
}

function createPolicy(http: Partial<HttpGrant>, mode: Mode = "enforce"): GrantedPolicy {
  const none = { verdict: "denied", rule: "" } as const;
  const rules = { allow: [API], deny: [], asked: [ANY_OF_IT] };
  return {
    kind: "granted",
    mode,
    limits: PLATFORM_LIMITS,
    limitRules: Object.fromEntries(
      Object.keys(PLATFORM_LIMITS).map((name) => [name, ""]),
    ) as GrantedPolicy["limitRules"],
    grants: {
      log: none,
      clock: none,
      random: none,
      schedule: none,
      config: { ...none, values: {} },
      kv: { ...none, maxBytes: 0, maxKeys: 0 },
      http: {
        verdict: "allowed",
        rule: "p.yaml:28: allow",
        privateAddresses: [],
        maxRedirects: 3,
        ...rules,
        ...http,
      },
      secrets: [],
    },
    users: "separate",
    record: "hashes",
    approvals: ALLOWED_CALLS,
    hash: "",
  };
}
