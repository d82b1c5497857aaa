import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

const to = (place: string) =>
  `http://api.proof.test:{port}/v1/redirect?to=${encodeURIComponent(place).replaceAll("%7B", "{").replaceAll("%7D", "}")}`;

export const isRedirectedInside: Attack = {
  name: "is-redirected-inside",
  group: "network",
  about: "Is redirected to loopback and metadata addresses, names and ports",
  source: "Extism js-sdk: allowedHosts checks the first URL only",
  skill: { body: FETCH_EACH },
  calls: fetching(
    to("http://127.0.0.2:{port}/"),
    to("http://api.proof.test:{other}/v1/hello"),
    to("http://169.254.169.254/latest/meta-data/"),
    to("http://169.254.169.254:{port}/latest/meta-data/"),
    to("http://loopback.names.proof.test:{port}/"),
    to("//127.0.0.2:{port}/"),
    to("/private"),
    to("http://user:word@127.0.0.2:{port}/"),
    to("file:///etc/passwd"),
    to("http://unlisted.test:{port}/v1/hello"),
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) => {
    const inside = visits.find((each) => each.kind === "granted" && each.url === "/private");
    return inside === undefined ? undefined : "a redirect left its path";
  }),
};
