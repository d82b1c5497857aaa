import type { UserId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";

/** A skill that an operator put on this installation, and whether it may be called. */
export interface InstalledSkill {
  /** One version of a name is installed at a time. */
  readonly name: string;
  readonly version: string;
  /** sha256 of the package's content, hex. */
  readonly digest: string;
  /** Who signed the package; nobody where it came from a folder. */
  readonly publisher: string | undefined;
  readonly manifest: JsonValue;
  /** What it may use of what its manifest asks for. */
  readonly grants: JsonValue;
  readonly state: SkillState;
  readonly installedAtMs: number;
  readonly installedBy: UserId;
  /** Grows with every write; a write names the one that it saw. */
  readonly revision: number;
}

export type SkillState =
  | { readonly kind: "enabled"; readonly sinceMs: number }
  /** Taken out of use by somebody. */
  | { readonly kind: "disabled"; readonly sinceMs: number; readonly by: UserId }
  /** Taken out of use by Nexflow itself. */
  | { readonly kind: "quarantined"; readonly sinceMs: number; readonly reason: string }
  /** Withdrawn by its publisher or the operator, for good: only another version can take its place. */
  | { readonly kind: "revoked"; readonly sinceMs: number; readonly reason: string };

/** What takes the place of an installed version. */
export type SkillVersion = Pick<
  InstalledSkill,
  "version" | "digest" | "publisher" | "manifest" | "grants"
>;

/** disabled, quarantined -> enabled. */
export function enableSkill(skill: InstalledSkill, nowMs: number): InstalledSkill {
  assertState(skill, "enable", "disabled", "quarantined");
  return { ...skill, state: { kind: "enabled", sinceMs: nowMs } };
}

/** enabled, quarantined -> disabled. */
export function disableSkill(skill: InstalledSkill, by: UserId, nowMs: number): InstalledSkill {
  assertState(skill, "disable", "enabled", "quarantined");
  return { ...skill, state: { kind: "disabled", sinceMs: nowMs, by } };
}

/** enabled -> quarantined. */
export function quarantineSkill(
  skill: InstalledSkill,
  reason: string,
  nowMs: number,
): InstalledSkill {
  assertState(skill, "quarantine", "enabled");
  return { ...skill, state: { kind: "quarantined", sinceMs: nowMs, reason } };
}

/** Any state but revoked -> revoked. */
export function revokeSkill(skill: InstalledSkill, reason: string, nowMs: number): InstalledSkill {
  assertState(skill, "revoke", "enabled", "disabled", "quarantined");
  return { ...skill, state: { kind: "revoked", sinceMs: nowMs, reason } };
}

/**
 * Puts another version in place. One that was disabled stays so; one that was quarantined or
 * revoked is another program now, and enabled.
 */
export function replaceSkill(
  skill: InstalledSkill,
  version: SkillVersion,
  nowMs: number,
): InstalledSkill {
  if (version.digest === skill.digest) {
    throw new RangeError(`Cannot replace skill "${skill.name}": digest "${version.digest}" is it`);
  }
  const { state } = skill;
  const isKept = state.kind === "enabled" || state.kind === "disabled";
  return { ...skill, ...version, state: isKept ? state : { kind: "enabled", sinceMs: nowMs } };
}

function assertState(
  { name, state }: InstalledSkill,
  verb: string,
  ...expected: SkillState["kind"][]
): void {
  if (expected.includes(state.kind)) return;
  throw new RangeError(
    `Cannot ${verb} skill "${name}": it is "${state.kind}", expected ${expected.join(" or ")}`,
  );
}
