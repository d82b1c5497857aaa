import type { JsonValue } from "../shared/json.ts";

/** `read` looks, `write` changes what is Nexflow's own, `external` reaches the outside. */
export type ToolEffect = "read" | "write" | "external";

export interface SkillTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema (draft 2020-12) of the input, always an object. */
  readonly inputSchema: JsonValue;
  /** Of the output, where it is to be checked; the sandbox checks that of its own skills itself. */
  readonly outputSchema?: JsonValue;
  readonly effects: readonly ToolEffect[];
  readonly examples: readonly ToolExample[];
  /** The input property that takes free text, as in "/calculator 2+2". */
  readonly textInput?: string;
  /** A sentence that states the result, as "{expression} = {result}"; see docs/skills.md. */
  readonly answer?: string;
}

/**
 * Something a person may write, and the call it stands for. `{name}` in the text holds what goes
 * where the input says `"{name}"`.
 */
export interface ToolExample {
  readonly text: string;
  readonly input: JsonValue;
}

/** An installed skill as the agent and people see it; its code stays with the runtime. */
export interface Skill {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly digest: string;
  readonly tools: readonly SkillTool[];
  /** What models are told of its tools was written by strangers. */
  readonly isDescribedByStranger?: boolean;
}

/** A skill as lists show it: without what its tools take and give. */
export interface ListedSkill extends Omit<Skill, "tools"> {
  readonly tools: readonly ListedTool[];
}

export type ListedTool = Pick<SkillTool, "name" | "description" | "effects" | "examples">;
