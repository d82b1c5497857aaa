import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

export const leavesItsPath: Attack = {
  name: "leaves-its-path",
  group: "network",
  about: "Leaves the path that it was granted by dots, encoded slashes and cut segments",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://api.proof.test:{port}/private",
    "http://api.proof.test:{port}/v1/../private",
    "http://api.proof.test:{port}/v1/%2e%2e/private",
    "http://api.proof.test:{port}/v1/..%2fprivate",
    "http://api.proof.test:{port}/v1/%2e%2e%2fprivate",
    "http://api.proof.test:{port}/v1/..%5cprivate",
    "http://api.proof.test:{port}/v1\\..\\private",
    "http://api.proof.test:{port}/v1private",
    "http://api.proof.test:{port}/V1/hello",
    "http://api.proof.test:{port}//v1/../private",
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) =>
    visits.length === 1 ? undefined : `${visits.length} requests were made`,
  ),
};
