import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

const AGAIN = "http://api.proof.test:{port}/v1/redirect?to=";

export const isRedirectedForEver: Attack = {
  name: "is-redirected-for-ever",
  group: "network",
  about: "Is redirected to the same place again and again",
  skill: { body: FETCH_EACH },
  calls: fetching(
    `${AGAIN}${encodeURIComponent("?to=%3Fto%3D%253Fto%253D%25253Fto%25253D%2525253Fto%2525253D/v1/hello")}`,
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) =>
    visits.length <= 5 ? undefined : `${visits.length} requests were made`,
  ),
};
