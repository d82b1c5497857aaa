import type { Attack } from "../attack.ts";

export const throwsAHugeMessage: Attack = {
  name: "throws-a-huge-message",
  group: "output",
  about: "Throws an error with a message of 500 MB",
  skill: { body: 'throw new Error("x".repeat(500_000_000));' },
  expect: ["failed", "memory"],
  verify: ({ result }) =>
    result.kind === "error" && result.error.message.length > 1_000
      ? `its message has ${result.error.message.length} characters`
      : undefined,
};
