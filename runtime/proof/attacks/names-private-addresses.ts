import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";

const NAMES =
  "loopback unspecified private home carrier metadata loopback-v6 local-v6 unique-local mapped compatible nat64 six-to-four multicast broadcast zone";

export const namesPrivateAddresses: Attack = {
  name: "names-private-addresses",
  group: "network",
  about: "Owns names whose addresses are private, local, mapped or of a cloud's metadata",
  skill: { body: FETCH_EACH },
  calls: fetching(...NAMES.split(" ").map((name) => `http://${name}.names.proof.test:{port}/`)),
  expect: ["ok"],
  verify: onlyTheFirst,
};
