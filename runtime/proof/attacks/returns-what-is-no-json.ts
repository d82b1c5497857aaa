import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

export const returnsWhatIsNoJson: Attack = {
  name: "returns-what-is-no-json",
  group: "output",
  about: "Gives back functions, symbols and numbers that JSON does not have",
  skill: {
    body: "return { a: () => 1, b: Symbol(), c: NaN, d: -0, e: undefined, f: [undefined] };",
  },
  expect: ["ok"],
  verify: gives({ c: null, d: 0, f: [null] }),
};
