import type { Attack } from "../attack.ts";
import { FETCH_EACH, fetching, onlyTheFirst } from "../network/fetch-each.ts";
import { all } from "../verify.ts";

const send = (headers: object) => ["http://api.proof.test:{port}/v1/hello", { headers }] as const;

export const sendsHeadersOfTheConnection: Attack = {
  name: "sends-headers-of-the-connection",
  group: "network",
  about: "Sends headers that say where a request goes or where it ends, and line breaks in others",
  skill: { body: FETCH_EACH },
  calls: fetching(
    send({ host: "127.0.0.2" }),
    send({ Host: "unlisted.test" }),
    send({ connection: "upgrade", upgrade: "websocket" }),
    send({ "transfer-encoding": "chunked" }),
    send({ "content-length": "0" }),
    send({ "proxy-authorization": "Basic eDp5" }),
    send({ "x-good": "one\r\nhost: 127.0.0.2" }),
    send({ "x-bad\r\nhost": "127.0.0.2" }),
    send({ "x-large": "x".repeat(100_000) }),
  ),
  expect: ["ok"],
  verify: all(onlyTheFirst, ({ visits }) =>
    visits.length === 1 ? undefined : `${visits.length} requests were made`,
  ),
};
