import { isGranted, type Ruling, type SecretGrant } from "../../policy/grants.ts";
import type { SecretValues } from "./secret-values.ts";

export interface PlaceSecretsOptions {
  /** Where the request goes. */
  readonly origin: string;
  readonly grants: readonly SecretGrant[];
  readonly values: SecretValues;
}

/** Where secrets go in one request; each place has one. */
export type PlacedSecrets =
  | {
      readonly kind: "placed";
      readonly rulings: readonly Ruling[];
      readonly headers: ReadonlyMap<string, string>;
      readonly parameters: ReadonlyMap<string, string>;
    }
  | { readonly kind: "denied"; readonly ruling: Ruling; readonly message: string };

/** Puts each named secret where the policy says, if the request goes to its audience. */
export function placeSecrets(
  names: readonly string[],
  { origin, grants, values }: PlaceSecretsOptions,
): PlacedSecrets {
  const headers = new Map<string, string>();
  const parameters = new Map<string, string>();
  const rulings: Ruling[] = [];
  for (const name of names) {
    const own = grants.filter((grant) => grant.name === name && isGranted(grant));
    const grant = own.find(({ audience }) => toOrigin(audience) === origin);
    if (grant === undefined)
      return denied(name, own[0] ?? grants.find((each) => each.name === name));
    const value = values.get(name);
    const { inject } = grant;
    const [places, place, text] =
      inject.kind === "header"
        ? ([headers, inject.header.toLowerCase(), inject.prefix] as const)
        : ([parameters, inject.parameter, ""] as const);
    if (value === undefined) return unusable(grant, `This host has no value for secret "${name}"`);
    if (places.has(place)) {
      return unusable(grant, `Cannot send secret "${name}": another one takes its place`);
    }
    places.set(place, text + value);
    rulings.push({ verdict: grant.verdict, rule: grant.rule });
  }
  return { kind: "placed", rulings, headers, parameters };
}

function denied(name: string, grant: SecretGrant | undefined): PlacedSecrets {
  if (grant === undefined || !isGranted(grant)) {
    const rule = grant?.rule ?? `platform: secrets.${name}`;
    const message = `Secret "${name}" is not granted`;
    return { kind: "denied", ruling: { verdict: "denied", rule }, message };
  }
  return unusable(grant, `Secret "${name}" may be sent to "${grant.audience}" only`);
}

function unusable({ rule }: SecretGrant, message: string): PlacedSecrets {
  return { kind: "denied", ruling: { verdict: "denied", rule }, message };
}

function toOrigin(audience: string): string | undefined {
  return URL.parse(audience)?.origin;
}
