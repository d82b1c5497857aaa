import { Command } from "commander";
import { describe, test, vi } from "vitest";
import {
  addSandboxCallsCommand,
  type CallQuery,
  type RecordedCall,
} from "../../../../src/presentation/cmd/sandbox-calls.ts";

const ABOUT = { recordedAtMs: 1_000, callId: "call-1", skill: "notes" };
const CALLS: readonly RecordedCall[] = [
  { ...ABOUT, kind: "host-call", name: "http", decision: "denied", ms: 0.25, rule: "a.yaml:3: x" },
  { ...ABOUT, kind: "call", tool: "add", outcome: "quarantined", wallMs: 0, rule: undefined },
];

describe("sandbox calls", () => {
  test("lists calls and host calls with what decided", async ({ expect }) => {
    const { output } = await run([], CALLS);
    expect(output).toMatchInlineSnapshot(`
      "TIME                      CALL    WHAT          DECISION     TOOK    RULE
      1970-01-01T00:00:01.000Z  call-1  notes > http  denied       0.3 ms  a.yaml:3: x
      1970-01-01T00:00:01.000Z  call-1  notes.add     quarantined  0.0 ms"
    `);
  });

  test("--json gives the records as they are", async ({ expect }) => {
    const { output } = await run(["--json"], CALLS);
    expect(JSON.parse(output)).toEqual({ calls: JSON.parse(JSON.stringify(CALLS)) });
  });

  test("passes on what to look for", async ({ expect }) => {
    const { queries } = await run(["--skill", "notes", "--denied", "--limit", "7"], []);
    expect(queries).toEqual([{ skill: "notes", isDenied: true, limit: 7 }]);
    expect((await run([], [])).queries).toEqual([{ skill: undefined, isDenied: false, limit: 50 }]);
  });

  test.for(["0", "1.5", "many", "1000000"])("refuses --limit %s", async (limit, { expect }) => {
    await expect(run(["--limit", limit], [])).rejects.toThrow("expected an integer from 1");
  });

  test("says that there is nothing, or no database", async ({ expect }) => {
    expect((await run([], [])).output).toBe("Nothing on record");
    await expect(run([], undefined)).rejects.toMatchObject({ code: "no-database" });
  });

  test("sends the terminal no commands and keeps a record on its line", async ({ expect }) => {
    const [call] = CALLS as [RecordedCall];
    const { output } = await run([], [{ ...call, rule: "a\u001b[2J\nb" }]);
    expect(output.split("\n")).toHaveLength(2);
    expect(output).toContain("a[2J b");
  });
});

async function run(args: readonly string[], calls: readonly RecordedCall[] | undefined) {
  const queries: CallQuery[] = [];
  const listCalls = async (query: CallQuery) => {
    queries.push(query);
    return calls;
  };
  const program = new Command("nexflow").option("--json").exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  const sandbox = program.command("sandbox").exitOverride();
  addSandboxCallsCommand(sandbox, { listCalls });
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    await program.parseAsync(["sandbox", "calls", ...args], { from: "user" });
    return { queries, output: String(log.mock.calls[0]?.[0]) };
  } finally {
    log.mockRestore();
  }
}
