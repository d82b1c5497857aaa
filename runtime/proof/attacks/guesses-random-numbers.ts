import type { Attack } from "../attack.ts";

export const guessesRandomNumbers: Attack = {
  name: "guesses-random-numbers",
  group: "state-leak",
  about: "Looks whether random numbers of one call come again in the next",
  skill: { body: "return [Math.random(), host.random(), Math.random()];" },
  calls: Array.from({ length: 5 }, () => ({})),
  expect: ["ok"],
  verify: ({ result, earlier }) => {
    if (result.kind !== "ok") return undefined;
    const seen = new Set(earlier.flatMap((each) => (each.kind === "ok" ? each.output : [])));
    const drawn = Array.isArray(result.output) ? result.output : [];
    return new Set(drawn).size === 3 && drawn.every((each) => !seen.has(each))
      ? undefined
      : "a random number came twice";
  },
};
