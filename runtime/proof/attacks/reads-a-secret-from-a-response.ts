import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

export const readsASecretFromAResponse: Attack = {
  name: "reads-a-secret-from-a-response",
  group: "network",
  about: "Has a server write the secret into its response, as it is and encoded",
  skill: { body: FETCH_EACH },
  calls: fetching(
    "http://api.proof.test:{port}/v1/secret",
    "http://api.proof.test:{port}/v1/secret?as=base64",
    "http://api.proof.test:{port}/v1/secret?as=base64url",
    "http://api.proof.test:{port}/v1/secret?as=hex",
    "http://api.proof.test:{port}/v1/secret?as=percent",
    "http://api.proof.test:{port}/v1/secret?header",
  ),
  expect: ["ok"],
  verify: onlyTheFirst,
};
