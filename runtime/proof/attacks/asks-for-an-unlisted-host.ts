import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

export const asksForAnUnlistedHost: Attack = {
  name: "asks-for-an-unlisted-host",
  group: "network",
  about:
    "Makes requests to hosts that no policy lists, some of names that begin or end like a listed one",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://unlisted.test:{port}/v1/hello",
    "http://api.proof.test.unlisted.test:{port}/v1/hello",
    "http://xapi.proof.test:{port}/v1/hello",
    "http://names.proof.test:{port}/v1/hello",
    "http://api.proof.test.:{port}/v1/hello",
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) =>
    visits.length === 1 ? undefined : `${visits.length} requests were made`,
  ),
};
