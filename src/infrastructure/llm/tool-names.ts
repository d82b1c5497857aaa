import { createHash } from "node:crypto";
import type { JsonValue } from "#domain/shared/json.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import type { Skill, SkillTool } from "#domain/skill/skill.ts";
import { toolNameOf } from "#domain/skill/tool-name.ts";

const MAX_CHARS = 64;

/** A tool as services take it. */
export interface WireTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonValue;
}

/** A tool's name in the alphabet that OpenAI's API allows, at most 64 characters. */
export function toWireName(name: string): string {
  const wire = name.replace(".", "__").replaceAll(/[^A-Za-z0-9_-]/gu, "-");
  if (wire.length <= MAX_CHARS) return wire;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${wire.slice(0, MAX_CHARS - 9)}_${hash}`;
}

/** The way back; a name that no tool of `skills` has comes back as it would be one. */
export function fromWireName(wire: string, skills: readonly Skill[]): string {
  for (const skill of skills) {
    const tool = skill.tools[wireToolsOf(skill).findIndex(({ name }) => name === wire)];
    if (tool !== undefined) return toolNameOf(skill.name, tool.name);
  }
  return wire.replace("__", ".");
}

export function toWireTools(skills: readonly Skill[]): readonly WireTool[] {
  return skills.flatMap(wireToolsOf);
}

/** Skills never change, and each request tells of all of them. */
const wireToolsOf = oncePer((skill: Skill) => skill.tools.map((tool) => toWireTool(skill, tool)));

function toWireTool(skill: Skill, { name, description, inputSchema }: SkillTool): WireTool {
  return { name: toWireName(toolNameOf(skill.name, name)), description, inputSchema };
}
