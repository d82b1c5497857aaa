import { parseUserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { InstalledSkill, SkillState } from "#domain/skill/installed-skill.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";

export function* findInstalledSkill(name: string): Script<InstalledSkill | undefined> {
  const row = yield* get(queries.findInstalledSkill, { name });
  return row && fromRow(row);
}

export function* listInstalledSkills(state?: SkillState["kind"]): Script<InstalledSkill[]> {
  return (yield* all(queries.listInstalledSkills, { state: state ?? "" })).map(fromRow);
}

export function* addInstalledSkill(skill: InstalledSkill): Script<"added" | "exists"> {
  return (yield* run(queries.insertInstalledSkill, toArgs(skill))) === 1 ? "added" : "exists";
}

export function* saveInstalledSkill(skill: InstalledSkill): Script<"saved" | "stale"> {
  return (yield* run(queries.updateInstalledSkill, toArgs(skill))) === 1 ? "saved" : "stale";
}

export function* removeInstalledSkill(name: string): Script<"removed" | "not-found"> {
  return (yield* run(queries.deleteInstalledSkill, { name })) === 1 ? "removed" : "not-found";
}

function toArgs(skill: InstalledSkill): QueryArgs {
  const { state } = skill;
  return {
    name: skill.name,
    version: skill.version,
    digest: skill.digest,
    publisher: skill.publisher ?? null,
    manifestJson: JSON.stringify(skill.manifest),
    grantsJson: JSON.stringify(skill.grants),
    state: state.kind,
    stateSinceMs: state.sinceMs,
    stateBy: state.kind === "disabled" ? state.by : null,
    stateReason: "reason" in state ? state.reason : null,
    installedAtMs: skill.installedAtMs,
    installedBy: skill.installedBy,
    revision: skill.revision,
  };
}

function fromRow(row: Schema["installed_skill"]): InstalledSkill {
  return {
    name: row.name,
    version: row.version,
    digest: row.digest,
    publisher: row.publisher ?? undefined,
    manifest: JSON.parse(row.manifest_json) as JsonValue,
    grants: JSON.parse(row.grants_json) as JsonValue,
    state: stateFromRow(row),
    installedAtMs: row.installed_at_ms,
    installedBy: parseUserId(row.installed_by),
    revision: row.revision,
  };
}

function stateFromRow(row: Schema["installed_skill"]): SkillState {
  const kind = row.state as SkillState["kind"];
  const sinceMs = row.state_since_ms;
  switch (kind) {
    case "enabled":
      return { kind, sinceMs };
    case "disabled":
      return { kind, sinceMs, by: parseUserId(row.state_by ?? "") };
    case "quarantined":
    case "revoked":
      return { kind, sinceMs, reason: row.state_reason ?? "" };
    default:
      return kind satisfies never;
  }
}
