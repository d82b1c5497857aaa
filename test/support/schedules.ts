import type { Schedule } from "../../src/domain/schedule/schedule.ts";
import { parseScheduleId, parseUserId } from "../../src/domain/shared/id.ts";
import type { Skill } from "../../src/domain/skill/skill.ts";
import { newId } from "../../src/infrastructure/ids/ids.ts";

/** A schedule that says hello each minute, but for what is given. */
export function scheduleOf(given: Partial<Schedule> = {}): Schedule {
  return {
    id: parseScheduleId(newId()),
    userId: parseUserId("admin"),
    name: "Hello",
    when: { kind: "every", everyMs: 60_000, anchorMs: 0 },
    missed: "once",
    action: { kind: "message", text: "Hello" },
    state: { kind: "active", nextAtMs: 60_000 },
    lastFiredAtMs: undefined,
    createdAtMs: 0,
    ...given,
  };
}

/** A skill with one tool, which only reads. */
export const calculator: Skill = {
  name: "calculator",
  version: "1.0.0",
  description: "Calculates",
  digest: "sha256:calculator",
  tools: [
    {
      name: "calculate",
      description: "Calculates",
      inputSchema: { type: "object" },
      effects: ["read"],
      examples: [],
    },
  ],
};
