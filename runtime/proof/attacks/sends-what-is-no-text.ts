import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const SEND = `
  const reached = [];
  const hostile = [Symbol(), 1n, null, undefined, () => 1, new Proxy({}, { get() { throw 1; } }), Object.create(null), new Date(NaN), -0, NaN];
  const look = (error) => {
    if (typeof error === "object" && !(error instanceof Error)) reached.push("a foreign error");
    if (String(error?.stack).includes("/")) reached.push("a file");
  };
  for (const name of Object.keys(host)) {
    if (typeof host[name] !== "function") continue;
    for (const each of hostile) {
      try { await host[name](each, each, each); } catch (error) { look(error); }
      try { await host[name].call(each, each); } catch (error) { look(error); }
      try { await new host[name](each); } catch (error) { look(error); }
    }
    try { await host[name].apply(null, { length: 1e9 }); } catch (error) { look(error); }
  }
  return reached;`;

export const sendsWhatIsNoText: Attack = {
  name: "sends-what-is-no-text",
  group: "escape",
  about: "Gives the host's functions symbols, proxies, wrong receivers and a billion arguments",
  skill: { body: SEND },
  expect: ["ok", "host-calls", "host-call-rate", "denied"],
  verify: gives([]),
};
