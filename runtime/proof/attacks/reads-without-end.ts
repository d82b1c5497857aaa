import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const readsWithoutEnd: Attack = {
  name: "reads-without-end",
  group: "network",
  about: "Fetches a response that never ends",
  skill: { body: FETCH_EACH },
  calls: fetching("http://api.proof.test:{port}/v1/endless"),
  expect: ["ok"],
  verify: onlyTheFirst,
};
