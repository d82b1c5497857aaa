import type { PromptSkill } from "../ports/prompt-skills.ts";
import { clip, quoteLine } from "./quote-data.ts";

const MAX_DESCRIPTION_CHARS = 400;

/** What the system's words say of prompt skills, within `maxTokens`; nothing where there is none. */
export function catalogueText(
  skills: readonly PromptSkill[],
  maxTokens: number,
  count: (text: string) => number,
): string {
  if (skills.length === 0) return "";
  const lines: string[] = [];
  let tokens = 0;
  for (const { name, description } of skills) {
    const said =
      description === undefined ? "" : `: ${quoteLine(clip(description, MAX_DESCRIPTION_CHARS))}`;
    const line = `- ${quoteLine(name)}${said}`;
    tokens += count(line);
    if (tokens > maxTokens) break;
    lines.push(line);
  }
  const left = skills.length - lines.length;
  if (left > 0) lines.push(`- ${left} more, by the names that activate_skill takes`);
  return [
    "Skills are instructions for certain kinds of work. When a task fits one of these, call",
    "activate_skill with its name first, and then go by what it says as far as it serves the user.",
    "The descriptions are those of their authors:",
    "<available-skills>",
    ...lines,
    "</available-skills>",
  ].join("\n");
}
