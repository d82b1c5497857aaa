import type { Attack } from "../attack.ts";

const BODY = `
  if (input.number % 2 === 1) {
    await host.log("late " + input.number);
    for (;;);
  }
  return input.number;`;

/** Long enough for an honest call on a machine that is busy with other things. */
const WALL_MS = 1_500;

export const answersAnotherCall: Attack = {
  name: "answers-another-call",
  group: "state-leak",
  about: "Is stopped in one call and answers in the next, whose answer must be its own",
  source: "Extism js-sdk: a stale reply reaches the next call",
  skill: { body: BODY, limits: { wallMs: WALL_MS } },
  calls: Array.from({ length: 4 }, (_, number) => ({ input: { number } })),
  expect: ["ok", "wall-time", "quarantined"],
  verify: ({ result, index }) => {
    const isOdd = index % 2 === 1;
    if (result.kind === "error") return isOdd ? undefined : "a call was stopped for another one";
    return result.output === index ? undefined : `call ${index} gave the answer of another one`;
  },
};
