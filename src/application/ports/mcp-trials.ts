import type { ToolEffect } from "#domain/skill/skill.ts";

/** How an MCP server stands, as it was found just now. */
export interface McpServerReport {
  readonly name: string;
  readonly kind: "stdio" | "http";
  /** The program, or the address without what may be secret in it. */
  readonly target: string;
  /** Whether the agent uses it. */
  readonly isEnabled: boolean;
  readonly state:
    | { readonly kind: "connected"; readonly ms: number }
    /** One sentence that says what is wrong. */
    | { readonly kind: "failed"; readonly message: string }
    /** It was not tried. */
    | { readonly kind: "not-tried" };
  readonly tools: readonly McpToolReport[];
  /** What it offers and cannot be used, and why. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

export interface McpToolReport {
  readonly name: string;
  readonly description: string;
  readonly effects: readonly ToolEffect[];
  /** What the settings say of its calls. */
  readonly decision: "allow" | "ask" | "deny";
  readonly pin: McpPin;
}

/**
 * Whether a tool is as it was when its server was first seen: `changed` and `new` ones are left out
 * until they are accepted; of a server that was never seen all are `unseen`.
 */
export type McpPin = "same" | "changed" | "new" | "unseen";
