import type { Attack } from "../attack.ts";

const LEAVE = `
  await host.kv.set("own", "value " + input.number);
  for (let i = 0; i < 3; i++) host.kv.getText("other").then(() => host.log("late"));
  return host.kv.getText("own");`;

export const leavesHostCallsUnanswered: Attack = {
  name: "leaves-host-calls-unanswered",
  group: "state-leak",
  about: "Ends with unanswered host calls, whose answers come in the next call",
  skill: { body: LEAVE, capabilities: { kv: { reason: "to ask" } } },
  calls: Array.from({ length: 8 }, (_, number) => ({ input: { number } })),
  expect: ["ok"],
  verify: ({ result, index, logs }) => {
    if (result.kind === "error") return undefined;
    if (logs.length > 3) return "it logged for another call";
    return result.output === `value ${index}` ? undefined : "it got the answer to another call";
  },
};
