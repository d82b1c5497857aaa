import type { SkillSummary } from "./api.ts";

const MAX_EXAMPLES = 3;

export interface Example {
  readonly text: string;
  readonly description: string;
  /** It can be sent as it is; otherwise a person has to write the rest. */
  readonly isComplete: boolean;
}

/** A few things to try, one of each skill first, so that they show different abilities. */
export function pickExamples(skills: readonly SkillSummary[]): readonly Example[] {
  const columns = skills.map(listExamples);
  const deepest = Math.max(0, ...columns.map(({ length }) => length));
  const rows = Array.from({ length: deepest }, (_, row) =>
    columns.flatMap((all) => all[row] ?? []),
  );
  return rows.flat().slice(0, MAX_EXAMPLES);
}

/** A skill's examples, those first that need nothing filled in; else its tools' commands. */
function listExamples({ name, tools }: SkillSummary): readonly Example[] {
  const examples = tools.flatMap(({ description, examples: texts = [] }) =>
    texts.map((text) => toExample(text, description)),
  );
  if (examples.length > 0) {
    return examples.toSorted((a, b) => Number(b.isComplete) - Number(a.isComplete));
  }
  return tools.map((tool) => toExample(`/${name}.${tool.name} {input}`, tool.description));
}

/** `{name}` stands for what a person has to fill in; the text stops there. */
function toExample(text: string, description: string): Example {
  const gap = text.indexOf("{");
  return gap === -1
    ? { text, description, isComplete: true }
    : { text: text.slice(0, gap), description, isComplete: false };
}
