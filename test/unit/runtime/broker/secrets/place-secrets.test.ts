import { describe, test } from "vitest";
import { placeSecrets } from "../../../../../runtime/broker/secrets/place-secrets.ts";
import type { SecretGrant, SecretPlace, Verdict } from "../../../../../runtime/policy/grants.ts";

const BEARER: SecretPlace = { kind: "header", header: "Authorization", prefix: "Bearer " };
const grant = (
  name: string,
  inject: SecretPlace = BEARER,
  { audience = "https://api.test", verdict = "allowed" as Verdict } = {},
): SecretGrant => ({ name, audience, inject, verdict, rule: `test.yaml:9: ${name}` });

const values = new Map([
  ["TOKEN", "value of token"],
  ["KEY", "value of key"],
]);
const place = (
  names: readonly string[],
  grants: readonly SecretGrant[],
  origin = "https://api.test",
) => placeSecrets(names, { origin, grants, values });

describe("placeSecrets()", () => {
  test("puts values where the policy says", ({ expect }) => {
    const grants = [grant("TOKEN"), grant("KEY", { kind: "query", parameter: "key" })];
    expect(place(["TOKEN", "KEY"], grants)).toEqual({
      kind: "placed",
      rulings: [
        { verdict: "allowed", rule: "test.yaml:9: TOKEN" },
        { verdict: "allowed", rule: "test.yaml:9: KEY" },
      ],
      headers: new Map([["authorization", "Bearer value of token"]]),
      parameters: new Map([["key", "value of key"]]),
    });
    expect(place([], grants)).toMatchObject({ kind: "placed", rulings: [] });
  });

  test.for([
    "http://api.test",
    "https://api.test:8443",
    "https://sub.api.test",
    "https://api.test.evil.test",
    "https://api.tes",
  ])("denies a secret on the way to %s", (origin, { expect }) => {
    expect(place(["TOKEN"], [grant("TOKEN")], origin)).toEqual({
      kind: "denied",
      ruling: { verdict: "denied", rule: "test.yaml:9: TOKEN" },
      message: 'Secret "TOKEN" may be sent to "https://api.test" only',
    });
  });

  test("denies what nobody grants, and what is denied", ({ expect }) => {
    expect(place(["TOKEN"], [])).toMatchObject({
      kind: "denied",
      ruling: { verdict: "denied", rule: "platform: secrets.TOKEN" },
      message: 'Secret "TOKEN" is not granted',
    });
    expect(place(["TOKEN"], [grant("TOKEN", BEARER, { verdict: "denied" })])).toMatchObject({
      kind: "denied",
      ruling: { rule: "test.yaml:9: TOKEN" },
      message: 'Secret "TOKEN" is not granted',
    });
  });

  test("tells an audited use from an allowed one", ({ expect }) => {
    const audited = grant("TOKEN", BEARER, { verdict: "audited" });
    expect(place(["TOKEN"], [audited])).toMatchObject({ rulings: [{ verdict: "audited" }] });
  });

  test("takes the grant for this audience, of one secret with several", ({ expect }) => {
    const grants = [grant("TOKEN", BEARER, { audience: "https://other.test" }), grant("TOKEN")];
    expect(place(["TOKEN"], grants)).toMatchObject({ kind: "placed" });
    // A URL in place of an origin names the same origin; what is no URL names none.
    const url = grant("TOKEN", BEARER, { audience: "https://api.test/v1" });
    const name = grant("TOKEN", BEARER, { audience: "api.test" });
    expect(place(["TOKEN"], [url])).toMatchObject({ kind: "placed" });
    expect(place(["TOKEN"], [name])).toMatchObject({ kind: "denied" });
  });

  test("denies a secret without a value, and two in one place", ({ expect }) => {
    expect(place(["LOST"], [grant("LOST")])).toMatchObject({
      kind: "denied",
      message: 'This host has no value for secret "LOST"',
    });
    expect(place(["TOKEN", "KEY"], [grant("TOKEN"), grant("KEY")])).toMatchObject({
      kind: "denied",
      message: 'Cannot send secret "KEY": another one takes its place',
    });
  });
});
