import { describe, test } from "vitest";
import { capabilitiesSchema } from "../../../../runtime/policy/capabilities.ts";

const reason = "To read issues";
const http = { host: "api.example.org", methods: ["GET"], paths: ["/v1"], reason };
const secret = { name: "TOKEN", audience: "https://api.example.org", reason };

describe("capabilitiesSchema", () => {
  test("takes every ask there is", ({ expect }) => {
    const asks = {
      clock: { reason },
      random: { reason },
      config: { reason },
      kv: { reason },
      schedule: { reason },
      http: [http, { ...http, host: "*.example.org", schemes: ["http", "https"], ports: [8080] }],
      secrets: [secret, { ...secret, audience: "https://api.example.org:8443" }],
    };
    expect(capabilitiesSchema.parse(asks)).toEqual(asks);
  });

  test.for<[string, object]>([
    ["a wildcard for every host", { http: [{ ...http, host: "*" }] }],
    ["a wildcard for a top-level domain", { http: [{ ...http, host: "*.com" }] }],
    ["a wildcard inside", { http: [{ ...http, host: "api.*.example.org" }] }],
    ["a wildcard of addresses", { http: [{ ...http, host: "*.0.0.1" }] }],
    ["a host in capitals", { http: [{ ...http, host: "API.example.org" }] }],
    ["a host with a port", { http: [{ ...http, host: "api.example.org:443" }] }],
    ["a scheme of another kind", { http: [{ ...http, schemes: ["ftp"] }] }],
    ["a port of none", { http: [{ ...http, ports: [0] }] }],
    ["no method", { http: [{ ...http, methods: [] }] }],
    ["a path without a slash", { http: [{ ...http, paths: ["v1"] }] }],
    ["an audience without TLS", { secrets: [{ ...secret, audience: "http://api.example.org" }] }],
    ["an audience with a path", { secrets: [{ ...secret, audience: "https://a.example/x" }] }],
    ["no reason", { kv: {} }],
    ["what there is not", { shell: { reason } }],
  ])("refuses %s", ([, asks], { expect }) => {
    expect(capabilitiesSchema.safeParse(asks).success).toBe(false);
  });
});
