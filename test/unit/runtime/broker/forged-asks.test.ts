import { test as baseTest } from "vitest";
import { CallBroker } from "../../../../runtime/broker/call-broker.ts";
import type { Service } from "../../../../runtime/broker/service.ts";
import type { HostCallRecord } from "../../../../runtime/index.ts";
import { createGrantedPolicy } from "../../../support/granted-policy.ts";

const NO_BODY = Buffer.alloc(0);
const granted = createGrantedPolicy();
const policy = { ...granted, limits: { ...granted.limits, hostCalls: 5, hostCallsAtOnce: 2 } };
const { config: ruling } = policy.grants;

interface Fixtures {
  readonly records: HostCallRecord[];
  /** A broker whose "config" is answered at once and whose "kv-get" is never answered. */
  readonly broker: CallBroker;
}

const test = baseTest.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  records: async ({}, use) => use([]),
  broker: async ({ records }, use) => {
    const config: Service = async () => ({ ruling, outcome: { kind: "ok", value: 1 } });
    const never: Service = () => Promise.withResolvers<never>().promise;
    const skill = { name: "hostile", digest: "0" };
    const call = { callId: "one", skill, userId: "mallory", policy };
    const onHostCall = (record: HostCallRecord) => records.push(record);
    await use(new CallBroker(call, { services: { config, "kv-get": never }, onHostCall }));
  },
});

const ask = (seq: number, name: "config" | "kv-get" = "config") =>
  ({ seq, name, args: {}, body: NO_BODY }) as const;

test.for([0, -1, 0.5, 1.5, 6, Number.MAX_VALUE])(
  "serve() refuses the number %d, which no call within the limits has",
  async (seq, { broker, records, expect }) => {
    await expect(broker.serve(ask(seq))).rejects.toThrow("more host calls");
    expect(records).toEqual([]);
  },
);

test("serve() refuses a number that is still being served", async ({ broker, expect }) => {
  void broker.serve(ask(1, "kv-get"));
  await expect(broker.serve(ask(1))).rejects.toThrow("more host calls");
});

test("serve() refuses a body that no service takes", async ({ broker, expect }) => {
  const body = Buffer.alloc(65_537);
  await expect(broker.serve({ ...ask(1), body })).rejects.toThrow("more host calls");
});

test("log() and note() take no room from what is being served", ({ broker, records, expect }) => {
  void broker.serve(ask(1, "kv-get"));
  void broker.serve(ask(2, "kv-get"));
  broker.log(3, "while two calls are unanswered");
  broker.note({ seq: 4, name: "now", value: 0 });
  expect(records.map(({ name }) => name)).toEqual(["log", "now"]);
});

test("log() refuses what the sandbox process should have refused", ({ broker, expect }) => {
  const text = "x".repeat(512 * 1024);
  broker.log(1, text);
  broker.log(2, text);
  expect(() => broker.log(3, "x")).toThrow("more host calls");
});

test("note() refuses notes past the limit and notes of the same call", ({ broker, expect }) => {
  broker.note({ seq: 1, name: "now", value: 0 });
  expect(() => broker.note({ seq: 1, name: "now", value: 0 })).toThrow("more host calls");
  expect(() => broker.note({ seq: 6, name: "now", value: 0 })).toThrow("more host calls");
});

test("noteNames() records no more calls than the limit allows", ({ broker, records, expect }) => {
  broker.noteNames(Array.from({ length: 9 }, () => "http" as const));
  expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
});

test("finish() puts on record, once, what is still unanswered", async ({
  broker,
  records,
  expect,
}) => {
  void broker.serve(ask(1, "kv-get"));
  broker.noteNames(["kv-get"]);
  expect(records).toEqual([]);
  broker.end();
  await broker.finish();
  expect(records).toMatchObject([{ seq: 1, name: "kv-get" }]);
});
