import { createHash } from "node:crypto";
import type { Skill } from "#domain/skill/skill.ts";

const MAX_CHARS = 64;

/** `<skill>.<tool>` in the alphabet that OpenAI's API allows, at most 64 characters. */
export function toWireName(name: string): string {
  const wire = name.replace(".", "__").replaceAll(/[^A-Za-z0-9_-]/gu, "-");
  if (wire.length <= MAX_CHARS) return wire;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${wire.slice(0, MAX_CHARS - 9)}_${hash}`;
}

/** The way back; a name that no tool of `skills` has comes back as `<skill>.<tool>` all the same. */
export function fromWireName(wire: string, skills: readonly Skill[]): string {
  const names = skills.flatMap((skill) => skill.tools.map((tool) => `${skill.name}.${tool.name}`));
  return names.find((name) => toWireName(name) === wire) ?? wire.replace("__", ".");
}
