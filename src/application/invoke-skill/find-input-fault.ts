import type { Failure } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill, SkillTool } from "#domain/skill/skill.ts";
import { toolNameOf } from "#domain/skill/tool-name.ts";
import { checkJson, inWords } from "./check-json.ts";

/** Why a tool is not called with this input, where that does not fit its schema. */
export function findInputFault(
  { skill, tool }: { readonly skill: Pick<Skill, "name">; readonly tool: SkillTool },
  input: JsonValue,
): Failure | undefined {
  const faults = checkJson(tool.inputSchema, input);
  if (faults.length === 0) return undefined;
  const name = toolNameOf(skill.name, tool.name);
  const message = `The input of "${name}" does not fit its schema, nothing was called: ${inWords(faults)}`;
  return { code: "invalid-input", message };
}
