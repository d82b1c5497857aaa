import { spawn } from "node:child_process";
import process from "node:process";
import { test as baseTest } from "vitest";
import { CallBroker } from "../../../runtime/broker/call-broker.ts";
import type { Service } from "../../../runtime/broker/service.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { FrameReader, toFrame } from "../../../runtime/protocol.ts";
import type { HostProcess } from "../../../runtime/supervisor/layers/spawn-in-layers.ts";
import { SandboxProcess } from "../../../runtime/supervisor/sandbox-process.ts";
import { toProcessCall } from "../../../runtime/supervisor/to-process-call.ts";
import { createGrantedPolicy } from "../../support/granted-policy.ts";

/** What every hostile program begins with: it is ready, and it can write whatever it likes. */
const PRELUDE = `
const fs = require("node:fs");
const frame = (head, body = "") => {
  const text = Buffer.from(typeof head === "string" ? head : JSON.stringify(head));
  const fields = Buffer.alloc(8);
  fields.writeUInt32LE(4 + text.length + body.length, 0);
  fields.writeUInt32LE(text.length, 4);
  return Buffer.concat([fields, text, Buffer.from(body)]);
};
const write = (fd, bytes) => {
  try { for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at); } catch {}
};
const say = (head, body) => write(1, frame(head, body));
const again = (attack) => setInterval(attack, 5);
const onCall = (attack) => process.stdin.once("data", (chunk) => {
  const [, epoch, call] = /"epoch":(\\d+),"call":(\\d+)/.exec(chunk.toString("latin1"));
  attack({ epoch: Number(epoch), call: Number(call) });
});
const result = { kind: "result", outcome: { kind: "ok" }, cpuMs: 0, memoryMiB: 0, spares: 0, notes: [] };
fs.writeSync(3, Buffer.alloc(32));
say({ kind: "ready" });
`;

type Attach = (attack?: string) => Promise<SandboxProcess>;

/** `attach` takes over a process whose program is in a guest's hands. */
const test = baseTest.extend<{ readonly attach: Attach }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  attach: async ({}, use) => {
    const children: HostProcess[] = [];
    await use((attack = "") => {
      const stdio = ["pipe", "pipe", "pipe", "pipe"] as const;
      const program = ["-e", PRELUDE + attack];
      const child = spawn(process.execPath, program, { stdio: [...stdio] }) as HostProcess;
      children.push(child);
      return SandboxProcess.attach(child);
    });
    for (const child of children) child.kill("SIGKILL");
  },
});

const policy = createGrantedPolicy();
const answer: Service = async () => ({
  ruling: policy.grants.config,
  outcome: { kind: "ok", value: {}, body: Buffer.alloc(8 * 1_048_576) },
});

function call(sandbox: SandboxProcess) {
  const skill = createSkill({});
  const request = { skill, tool: TOOL, input: {}, userId: "mallory" };
  const deps = { services: { config: answer }, onHostCall: () => undefined };
  const broker = new CallBroker({ callId: "c", skill, userId: "mallory", policy }, deps);
  const planned = { request, policy, input: "{}", seed: "00", startMs: 0 };
  return sandbox.run(toProcessCall(planned, broker));
}

test.for<readonly [string, string]>([
  ["says again that it is ready", 'again(() => say({ kind: "ready" }));'],
  ["says byte by byte what never ends", "again(() => write(1, Buffer.of(1)));"],
  ["prepares unasked", 'again(() => say({ kind: "prepared", digest: "0", spares: 1 }));'],
  ["reports unasked", "again(() => write(3, Buffer.alloc(32)));"],
  ["writes errors without end", "again(() => write(2, Buffer.alloc(65_536)));"],
])("a resting process that %s is ended", async ([, attack], { attach, expect }) => {
  const sandbox = await attach(attack);
  expect(await sandbox.exited).toMatchObject({ signal: "SIGKILL" });
});

test.for<readonly [string, string]>([
  ["answers a later call", "say({ ...result, ...about, call: about.call + 1 }, '1');"],
  ["answers for another process", "say({ ...result, ...about, epoch: about.epoch + 1 }, '1');"],
  ["asks for a later call", 'say({ kind: "ask", seq: 1, name: "config", ...about, call: 9 });'],
  ["sends a head of 2 MiB", "say({ ...result, ...about, padding: 'x'.repeat(2_097_152) }, '1');"],
  ["has endless calls prepared", "say({ ...result, ...about, spares: 0.5 }, '1');"],
  [
    "notes one host call twice",
    "const note = { seq: 1, name: 'now', value: 1 }; say({ ...result, ...about, notes: [note, note] }, '1');",
  ],
  [
    "nests its arguments",
    'say(JSON.stringify({ kind: "ask", seq: 1, name: "schedule", ...about, args: 0 }).replace(/0}$/, "[".repeat(100_000) + "]".repeat(100_000) + "}"));',
  ],
  ["reports no number", "again(() => write(3, Buffer.alloc(32, 0xff)));"],
  [
    "reads no answer",
    'let seq = 0; process.stdin.pause(); again(() => say({ kind: "ask", seq: ++seq, name: "config", ...about }));',
  ],
])(
  "a process that %s is ended as one in a guest's hands",
  async ([, attack], { attach, expect }) => {
    const sandbox = await attach(`onCall((about) => { ${attack} });`);
    expect(await call(sandbox)).toMatchObject({ kind: "killed", reason: "bad-frame" });
  },
);

test("a call ends with its process, also where that left another one at its pipes", async ({
  attach,
  expect,
}) => {
  const sandbox = await attach(`onCall(() => {
    const { spawn } = require("node:child_process");
    const heir = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit", detached: true });
    fs.writeSync(2, String(heir.pid));
    process.kill(process.pid, "SIGKILL");
  });`);
  const end = await call(sandbox);
  expect(end).toMatchObject({ kind: "died", death: { signal: "SIGKILL" } });
  if (end.kind === "died") process.kill(Number(end.death.stderr), "SIGKILL");
});

test("FrameReader reads frames that come byte by byte, and refuses a head that is too long", ({
  expect,
}) => {
  const head = { kind: "ready" } as const;
  const frame = toFrame(head, Buffer.alloc(10_000, "x"));
  const reader = new FrameReader();
  const frames = [...frame, ...frame].flatMap((byte) => reader.push(Buffer.of(byte)));
  expect(frames.map(({ head: each, body }) => [each, body.length])).toEqual([
    [head, 10_000],
    [head, 10_000],
  ]);
  expect(() => new FrameReader(100_000, 8).push(frame)).toThrow("expected at most 8");
});
