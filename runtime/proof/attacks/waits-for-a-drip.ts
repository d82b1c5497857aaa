import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const waitsForADrip: Attack = {
  name: "waits-for-a-drip",
  group: "network",
  about: "Fetches a response that comes byte by byte for ever",
  skill: { body: FETCH_EACH, limits: { wallMs: 3_000 } },
  calls: fetching("http://api.proof.test:{port}/v1/slow"),
  expect: ["ok", "wall-time"],
  verify: onlyTheFirst,
};
