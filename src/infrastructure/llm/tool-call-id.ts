import { randomUUID } from "node:crypto";
import { parseToolCallId, type ToolCallId } from "#domain/shared/id.ts";

/**
 * A new id for a call. Providers' own ids are not taken over: some repeat them in every answer,
 * and OpenAI takes none back that is longer than 40 characters.
 */
export function newToolCallId(): ToolCallId {
  return parseToolCallId(`call_${randomUUID().replaceAll("-", "")}`);
}
