import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

export const asksForAnotherPortOrMethod: Attack = {
  name: "asks-for-another-port-or-method",
  group: "network",
  about: "Asks a listed host on another port, by another method and another scheme",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://api.proof.test:{other}/v1/hello",
    "http://api.proof.test/v1/hello",
    "https://api.proof.test:{port}/v1/hello",
    "ftp://api.proof.test:{port}/v1/hello",
    "file:///etc/passwd",
    "data:text/plain,hello",
    "ws://api.proof.test:{port}/v1/hello",
    ["http://api.proof.test:{port}/v1/hello", { method: "DELETE" }],
    ["http://api.proof.test:{port}/v1/hello", { method: "CONNECT" }],
    ["http://api.proof.test:{port}/v1/hello", { method: "TRACE" }],
    ["http://api.proof.test:{port}/v1/hello", { method: "GET /private HTTP/1.1\r\nX: " }],
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) =>
    visits.length === 1 ? undefined : `${visits.length} requests were made`,
  ),
};
