import { readFile } from "node:fs/promises";
import { describe, test } from "vitest";
import { PolicyError } from "../../../../runtime/policy/policy-error.ts";
import { toPolicyJsonSchema } from "../../../../runtime/policy/policy-schema.ts";
import { readPolicies } from "../../../../runtime/policy/read-policies.ts";
import { parsePolicy, ruleOf } from "../../../../runtime/policy/sandbox-policy.ts";

const DIR = new URL("../../../../sandbox-policies/", import.meta.url);
const DEFAULT = await readFile(new URL("default.yaml", DIR), "utf8");
const LEARNING = await readFile(new URL("learning.yaml", DIR), "utf8");

const http = (rule: string) => `grants:\n  http: { allow: [{ ${rule} }] }\n`;
const HTTP = "host: api.example.org, methods: [GET], paths: [/]";
const secret = (rule: string) => `grants:\n  secrets: [{ name: TOKEN, ${rule} }]\n`;
const AUDIENCE = "audience: https://api.example.org";

describe("parsePolicy()", () => {
  test.for<[string, string, string, string]>([
    ["an unknown key", "mode: enforce", "mode: enforce\nmood: calm", "mood: unknown property"],
    ["an unknown mode", "mode: enforce", "mode: trust", 'mode: found "trust", expected one of'],
    [
      "a missing limit",
      "  wallMs: 5000\n",
      "",
      "ceiling.wallMs: found nothing, expected a value of type number",
    ],
    ["a limit of nothing", "wallMs: 5000", "wallMs: 0", "ceiling.wallMs: found 0, expected"],
    [
      "a flat limit",
      "concurrency:\n",
      "concurrency: 4\n  x:\n",
      "ceiling.concurrency: found 4, expected",
    ],
    ["an unknown grant", "log: true", "files: true", "grants.files: unknown property"],
    ["a grant of another kind", "clock: true", "clock: yes", 'grants.clock: found "yes", expected'],
    ["a quota without keys", ", maxKeys: 100", "", "grants.kv.maxKeys: found nothing, expected"],
    ["broken YAML", "match:", "match: [", "Flow sequence"],
    ["an alias", "mode: enforce", "mode: &m enforce\nrecord: *m\nx:", "found an alias, expected"],
    ["a doubled key", "mode: enforce", "mode: enforce\nmode: audit", "Map keys must be unique"],
    ["a wildcard for all", "grants:\n", http(HTTP.replace("api.example.org", '"*"')), "host name"],
    [
      "a wildcard for a top",
      "grants:\n",
      http(HTTP.replace("api.example.org", '"*.org"')),
      "a name of two labels",
    ],
    ["a host in capitals", "grants:\n", http(HTTP.replace("api", "API")), "a lower-case host name"],
    ["a path with a query", "grants:\n", http(HTTP.replace("/]", '"/?x"]')), "without query"],
    [
      "a port too high",
      "grants:\n",
      http(`${HTTP}, ports: [65536]`),
      "http.allow.0.ports.0: found",
    ],
    [
      "a missing method",
      "grants:\n",
      http("host: a.example.org, paths: [/]"),
      "methods: found noth",
    ],
    ["an audience with a path", "grants:\n", secret(`${AUDIENCE}/v1, header: a`), 'found "https'],
    [
      "an audience on http",
      "grants:\n",
      secret("audience: http://a.b, header: a"),
      "an origin, as",
    ],
    ["a secret for no place", "grants:\n", secret(AUDIENCE), 'either "header" or "query"'],
    ["a secret as host", "grants:\n", secret(`${AUDIENCE}, header: host`), "lower-case header"],
  ])("names file, line and place of %s", ([, from, to, fault], { expect }) => {
    expect(DEFAULT).toContain(from);
    const text = to.startsWith("grants:")
      ? cutBefore(DEFAULT, from) + to
      : DEFAULT.replace(from, to);
    const error = catchError(() => parsePolicy(text, "broken.yaml"));
    expect(error).toBeInstanceOf(PolicyError);
    expect(String(error)).toContain('"broken.yaml"');
    expect(String(error)).toMatch(/: broken\.yaml:\d+:\d+: /u);
    expect(String(error)).toContain(fault);
  });

  test("names the very line and column, of each fault", ({ expect }) => {
    const text = DEFAULT.replace("mode: enforce", "mode: trust").replace("64", "2");
    const error = catchError(() => parsePolicy(text, "broken.yaml"));
    const lines = text.split("\n");
    expect(error).toMatchObject({
      faults: [
        { line: lines.indexOf("mode: trust") + 1, column: 1, path: "mode" },
        { line: lines.indexOf("  memoryMiB: 2") + 1, column: 3, path: "ceiling.memoryMiB" },
      ],
    });
  });

  test.for(["10.1.2.3/33", "10.1.2", "::1/129", "fe80::1%eth0", "example.org", "10.0.0.0/8/8"])(
    "refuses %s as a private address",
    (address, { expect }) => {
      const text = `${cutBefore(DEFAULT, "grants:")}grants: { http: { privateAddresses: ["${address}"] } }`;
      expect(() => parsePolicy(text, "broken.yaml")).toThrow("expected an address or a block");
    },
  );

  test("refuses learning for community skills, with the line", ({ expect }) => {
    const text = LEARNING.replace("[first-party, verified]", "[first-party,\n    community]");
    const line = text.split("\n").indexOf("    community]") + 1;
    expect(() => parsePolicy(text, "learning.yaml")).toThrow(
      `learning.yaml:${line}:5: match.trust.1: found "community", expected no "community"`,
    );
  });

  test("refuses a range that is none", ({ expect }) => {
    const text = DEFAULT.replace('skills: ["*"]', 'skills: ["*"]\n  versions: 1.x');
    expect(() => parsePolicy(text, "broken.yaml")).toThrow('match.versions: found "1.x", expected');
  });

  test("reads every grant there is", ({ expect }) => {
    const policy = parsePolicy(cutBefore(DEFAULT, "grants:") + FULL_GRANTS, "full.yaml");
    expect(policy.grants).toMatchObject({
      schedule: true,
      config: { units: "metric" },
      http: { allow: [{ host: "*.example.org" }], deny: [{ host: "x.example.org" }] },
      secrets: [{ name: "TOKEN", prefix: "Bearer " }, { query: "key" }],
    });
    expect(policy.grants.http?.maxRedirects).toBe(3);
  });
});

test("ruleOf() names the line, or that of the nearest part around what is not there", ({
  expect,
}) => {
  const policy = parsePolicy(DEFAULT, "default.yaml");
  const lineOf = (line: string) => DEFAULT.split("\n").indexOf(line) + 1;
  const clock = lineOf("  clock: true");
  expect(ruleOf(policy, "grants.clock")).toBe(`default.yaml:${clock}: grants.clock`);
  const grants = lineOf("grants:");
  expect(ruleOf(policy, "grants.http.allow")).toBe(`default.yaml:${grants}: grants.http.allow`);
});

test("readPolicies() reads the shipped policies, most important first", async ({ expect }) => {
  const policies = await readPolicies(DIR.pathname);
  expect(policies.map(({ metadata }) => metadata.name)).toEqual([
    "learning",
    "offline",
    "trusted",
    "default",
  ]);
});

test("policy.schema.json is what the policy schema says", async ({ expect }) => {
  const written = JSON.parse(await readFile(new URL("policy.schema.json", DIR), "utf8"));
  expect(written).toEqual(JSON.parse(JSON.stringify(toPolicyJsonSchema())));
});

describe("sandbox-policies/README.md", () => {
  test("shows a policy that can be used", async ({ expect }) => {
    const guide = await readFile(new URL("README.md", DIR), "utf8");
    const [, example = ""] = /^```yaml\n(.*?)^```/msu.exec(guide) ?? [];
    expect(parsePolicy(example, "issues.yaml").metadata.name).toBe("issues");
  });

  test("has every field of a policy", async ({ expect }) => {
    const guide = await readFile(new URL("README.md", DIR), "utf8");
    for (const name of propertiesOf(toPolicyJsonSchema())) {
      expect(guide, name).toMatch(new RegExp(`\\b${name}\\b`, "u"));
    }
  });
});

/** The names of all properties in a JSON Schema, at any depth. */
function propertiesOf(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {} } = schema as { properties?: object };
  return [...Object.keys(properties), ...Object.values(schema).flatMap(propertiesOf)];
}

const FULL_GRANTS = `grants:
  schedule: true
  config: { units: metric }
  http:
    allow:
      - host: "*.example.org"
        schemes: [https, http]
        ports: [443, 8080]
        methods: [GET]
        paths: [/v1]
        maxRequestKiB: 1
        maxResponseKiB: 10
        timeoutMs: 100
    deny:
      - host: x.example.org
    privateAddresses: [10.1.0.0/16, 127.0.0.1, "fd00::/8"]
  secrets:
    - { name: TOKEN, audience: https://api.example.org, header: authorization, prefix: "Bearer " }
    - { name: KEY, audience: "https://api.example.org:8443", query: key }
`;

function cutBefore(text: string, line: string): string {
  return text.slice(0, text.indexOf(line));
}

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
