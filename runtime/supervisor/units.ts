import { createHash } from "node:crypto";
import type { SkillCode } from "../invoke.ts";
import { packUnit } from "../protocol.ts";

/** A skill's code and contracts as the bytes that a sandbox process loads. */
export interface PackedUnit {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

const packed = new WeakMap<SkillCode, PackedUnit>();

/** The unit of `skill`, packed once per object. */
export function toUnit(skill: SkillCode): PackedUnit {
  const known = packed.get(skill);
  if (known !== undefined) return known;
  const { engine, code, tools } = skill;
  const contracts = tools.map(({ name, inputSchema, outputSchema }) => ({
    name,
    inputSchema,
    outputSchema,
  }));
  const bytes = packUnit({ engine, code, tools: contracts });
  const unit = { digest: createHash("sha256").update(bytes).digest("hex"), bytes };
  packed.set(skill, unit);
  return unit;
}
