import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const mixesAddresses: Attack = {
  name: "mixes-addresses",
  group: "network",
  about: "Owns a name that has a good and a loopback address at once",
  source: "DNS rebinding",
  skill: { body: FETCH_EACH },
  calls: fetching(
    ...Array.from({ length: 5 }, () => "http://mixed.names.proof.test:{port}/v1/hello"),
  ),
  expect: ["ok"],
  verify: onlyTheFirst,
};
