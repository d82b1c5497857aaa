import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching } from "../network/fetch-each.ts";

export const rebindsAName: Attack = {
  name: "rebinds-a-name",
  group: "network",
  about: "Changes the address of a name from a good one to a loopback one between two requests",
  source: "DNS rebinding",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://rebound.names.proof.test:{port}/v1/hello",
    "http://rebound.names.proof.test:{port}/v1/hello",
    "http://rebound.names.proof.test:{port}/v1/hello",
  ),
  expect: ["ok"],
  // The name's first address is the granted server's.
  verify: ({ result, visits }) => {
    if (result.kind === "error") return undefined;
    const [, good, ...others] = Array.isArray(result.output) ? result.output : [];
    if (JSON.stringify(good) !== '[200,"hello"]') return "the name's good address did not answer";
    if (others.some((each) => typeof each !== "string")) return "a rebound name was answered";
    return visits.length === 2 ? undefined : `${visits.length} requests were made`;
  },
};
