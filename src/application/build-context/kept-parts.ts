import type { Message } from "#domain/message/message.ts";
import type { MessageId, ToolCallId } from "#domain/shared/id.ts";
import { ACTIVATE_SKILL } from "#domain/skill/tool-name.ts";

/** What is kept of a part of the conversation that is left out otherwise. */
export interface Keep {
  /** What was said and shown in these, word for word. */
  readonly pinned: ReadonlySet<MessageId>;
  /** These calls with their results. */
  readonly calls: ReadonlySet<ToolCallId>;
}

/** What is kept of a message; nothing where it holds nothing of that. */
function keepParts(message: Message, { pinned, calls }: Keep): Message | undefined {
  const isPinned = pinned.has(message.id) && message.role !== "tool";
  const parts = message.parts.filter((part) => {
    if (part.kind === "text" || part.kind === "image") return isPinned;
    return part.kind !== "reasoning" && calls.has(part.toolCallId);
  });
  if (parts.length === 0) return undefined;
  return parts.length === message.parts.length ? message : { ...message, parts };
}

/** What is kept of several messages, in their order. */
export function keepOf(messages: readonly Message[], keep: Keep): readonly Message[] {
  if (keep.pinned.size + keep.calls.size === 0) return [];
  return messages.flatMap((message) => keepParts(message, keep) ?? []);
}

/** The activations of skills that went well, the latest of each skill, oldest first. */
export function listActivations(messages: readonly Message[]): readonly ToolCallId[] {
  const asked = new Map<ToolCallId, string>();
  const bySkill = new Map<string, ToolCallId>();
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.kind === "tool-call" && part.name === ACTIVATE_SKILL) {
        asked.set(part.toolCallId, JSON.stringify(part.input));
      }
      if (part.kind !== "tool-result" || part.outcome.kind !== "ok") continue;
      const skill = asked.get(part.toolCallId);
      if (skill === undefined) continue;
      bySkill.delete(skill);
      bySkill.set(skill, part.toolCallId);
    }
  }
  return [...bySkill.values()];
}
