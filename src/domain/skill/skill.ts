import type { JsonValue } from "../shared/json.ts";

/** `read` looks, `write` changes what is Nexflow's own, `external` reaches the outside. */
export type ToolEffect = "read" | "write" | "external";

export interface SkillTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema (draft 2020-12) of the input, always an object. */
  readonly inputSchema: JsonValue;
  readonly effects: readonly ToolEffect[];
  readonly examples: readonly ToolExample[];
}

/** Something a person may write, and the call it stands for. */
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
}
