import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const hidesAHostInAUrl: Attack = {
  name: "hides-a-host-in-a-url",
  group: "network",
  about: "Hides another host behind userinfo, backslashes, tabs and zero bytes",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://api.proof.test:{port}@127.0.0.2:{port}/v1/hello",
    "http://user:word@api.proof.test:{port}/v1/hello",
    "http://127.0.0.2:{port}\\@api.proof.test:{port}/v1/hello",
    "http://api.proof.test\u0000.unlisted.test:{port}/v1/hello",
    "http://127.0.0.2\u0000.api.proof.test:{port}/v1/hello",
    "http://api.proof.test\t:{port}/v1/hello",
    "http://127.0.0.2:{port}#@api.proof.test/v1/hello",
    "http://127.0.0.2:{port}?@api.proof.test/v1/hello",
    "http:127.0.0.2:{port}/",
    "//api.proof.test:{port}/v1/hello",
  ),
  expect: ["ok"],
  verify: onlyTheFirst,
};
