import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const unpacksABomb: Attack = {
  name: "unpacks-a-bomb",
  group: "network",
  about: "Fetches 64 KiB that unpack to 64 MiB",
  skill: { body: FETCH_EACH },
  calls: fetching("http://api.proof.test:{port}/v1/bomb"),
  expect: ["ok"],
  verify: onlyTheFirst,
};
