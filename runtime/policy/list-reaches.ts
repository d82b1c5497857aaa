import type { GrantedPolicy } from "./effective-policy.ts";
import { type Grants, type HttpRule, isGranted, type Ruling } from "./grants.ts";
import { isCovering, meetRules } from "./http-rule.ts";

/** What a skill may reach under its policy, a line each, as "https://api.example.org/v1 (GET)". */
export function listReaches(policy: GrantedPolicy): readonly string[] {
  const { mode, grants } = policy;
  const { kv, config, clock, random, schedule, secrets } = grants;
  return [
    ...new Set(listOpenTargets(policy).map(describeTarget)),
    ...(isGranted(grants.http) ? grants.http.privateAddresses : []).map(
      (address) => `private address ${address}`,
    ),
    ...secrets.map(({ name, audience }) => `secret ${name}, sent to ${audience}`),
    ...(isWanted(kv) ? [`a store of its own (${kv.maxBytes / 1_024} KiB)`] : []),
    ...(isWanted(config) ? [`settings (${Object.keys(config.values).join(", ") || "none"})`] : []),
    ...listFlags({ clock, random, schedule }),
    ...(mode === "learn" ? ["anything else that it asks for: the policy learns"] : []),
  ];
}

/** The requests that may be made, as far as rules tell: where policy and manifest meet. */
export function listOpenTargets({ mode, grants: { http } }: GrantedPolicy): readonly HttpRule[] {
  if (!isGranted(http)) return [];
  // What the policy does not allow, these modes let happen.
  if (mode !== "enforce") return http.asked;
  return http.allow
    .flatMap((rule) => http.asked.flatMap((asked) => meetRules(rule, asked)))
    .filter((rule) => !http.deny.some((denied) => isCovering(denied, rule)));
}

/** Granted, and asked for by the manifest: what a policy that learns lets happen is not meant. */
export function isWanted(ruling: Ruling): boolean {
  return isGranted(ruling) && !ruling.rule.startsWith("manifest: ");
}

function listFlags(flags: Pick<Grants, "clock" | "random" | "schedule">): readonly string[] {
  const names = { clock: "the clock", random: "random numbers", schedule: "its own schedule" };
  return (["clock", "random", "schedule"] as const)
    .filter((name) => isWanted(flags[name]))
    .map((name) => names[name]);
}

function describeTarget({ schemes = ["any"], host, ports, paths, methods }: HttpRule): string {
  const scheme = schemes.length === 1 ? schemes[0] : `{${schemes.join(",")}}`;
  const known = new Set<number>(schemes.map((each) => (each === "http" ? 80 : 443)));
  const isUsual = ports === undefined || ports.every((port) => known.has(port));
  const port = isUsual ? "" : `:${ports.join(",")}`;
  const path = paths === undefined || paths.includes("/") ? [""] : paths;
  const verbs = methods?.join(", ") ?? "any method";
  return `${path.map((each) => `${scheme}://${host}${port}${each}`).join(" ")} (${verbs})`;
}
