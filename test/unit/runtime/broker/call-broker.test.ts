import { describe, test } from "vitest";
import { CallBroker } from "../../../../runtime/broker/call-broker.ts";
import type { ServiceReply } from "../../../../runtime/broker/service.ts";
import type { HostCallRecord } from "../../../../runtime/index.ts";
import { createGrantedPolicy } from "../../../support/granted-policy.ts";

const ASK = { seq: 1, name: "kv-set", args: { key: "a" }, body: Buffer.from("1") } as const;
const skill = { name: "asks", digest: "0".repeat(64) };

describe("CallBroker", () => {
  test("records an ask that the end of the call cuts off, at that end and once", async ({
    expect,
  }) => {
    const { broker, records, answer } = openBroker();
    const served = broker.serve(ASK);
    broker.noteNames(["kv-set"]);
    broker.end();
    await broker.finish();
    const expected = { seq: 1, name: "kv-set", decision: "allowed", argsBytes: 12 };
    expect(records).toMatchObject([expected]);
    answer({ ruling: { verdict: "allowed", rule: "r" }, outcome: { kind: "ok", value: {} } });
    await served;
    expect(records).toHaveLength(1);
    expect(broker.calls).toBe(1);
  });

  test("serves no second ask under the number of one that is unanswered", async ({ expect }) => {
    const { broker } = openBroker();
    void broker.serve(ASK);
    await expect(broker.serve(ASK)).rejects.toThrow(RangeError);
  });
});

function openBroker() {
  const { promise, resolve } = Promise.withResolvers<ServiceReply>();
  const records: HostCallRecord[] = [];
  const broker = new CallBroker(
    { callId: "c", skill, userId: "alice", policy: createGrantedPolicy() },
    { services: { "kv-set": () => promise }, onHostCall: (record) => records.push(record) },
  );
  return { broker, records, answer: resolve };
}
