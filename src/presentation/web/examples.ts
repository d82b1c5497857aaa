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

function listExamples({ name, tools }: SkillSummary): readonly Example[] {
  const complete = tools.flatMap(({ description, examples = [] }) =>
    examples.slice(0, 1).map((text) => ({ text, description, isComplete: true })),
  );
  if (complete.length > 0) return complete;
  return tools.map((tool) => ({
    text: `/${name}.${tool.name} `,
    description: tool.description,
    isComplete: false,
  }));
}
