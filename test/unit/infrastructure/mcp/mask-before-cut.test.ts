import { SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import { test } from "vitest";
import { inspectMcpServer } from "#infrastructure/mcp/inspect-mcp.ts";
import { createReportMasker, maskReport } from "#infrastructure/mcp/mask-report.ts";
import { mcpSettingsSchema } from "#infrastructure/mcp/mcp-settings.ts";
import { tellFailure } from "#infrastructure/mcp/tell-failure.ts";
import { toMcpOutcome } from "#infrastructure/mcp/to-mcp-outcome.ts";
import { readTools } from "#infrastructure/mcp/tool-definitions.ts";
import { isSecretInLogs, SecretMasker } from "#infrastructure/telemetry/secret-masker.ts";

const SECRET = "q7Zk-0Wm3-Xv9T-b2Rf";
const HALF = SECRET.slice(0, 8);
const masker = new SecretMasker(isSecretInLogs, [SECRET]);
const mask = (text: string) => masker.mask(text);

/** A text that a cut after so many characters would leave half a secret of. */
const upTo = (chars: number) => `${".".repeat(chars - HALF.length)}${SECRET}`;

function settingsOf(one: object) {
  const settings = mcpSettingsSchema.parse({ servers: { one } });
  const entry = settings.servers["one"];
  if (entry === undefined) throw new Error("expected a server");
  return { settings, entry };
}

test("what a server said last holds no part of a secret", ({ expect }) => {
  const { entry } = settingsOf({ command: "x" });
  const closed = new SdkError(SdkErrorCode.ConnectionClosed, "Closed");
  const told = tellFailure(closed, entry, { said: upTo(200), mask });
  expect(told).toContain("the last it said was: ....");
  expect(told).not.toContain(HALF);
});

test("nor does an answer that is none", ({ expect }) => {
  const { entry } = settingsOf({ url: "https://h.example/mcp" });
  const told = tellFailure(new Error(`Bad ${upTo(196)}`), entry, { said: "", mask });
  expect(told).toContain("does not answer as an MCP server does: Bad ....");
  expect(told).not.toContain(HALF);
});

test("nor do descriptions and names of tools", ({ expect }) => {
  const inputSchema = { type: "object" } as const;
  const offered = [
    { name: "run", description: upTo(1_024), inputSchema },
    { name: upTo(48).replaceAll(".", "x"), description: "A tool", inputSchema },
    { name: `${upTo(80)}${"y".repeat(300)}`, inputSchema },
  ];
  const { tools, leftOut } = readTools(offered, { believeHints: false, mask });
  expect(tools).toHaveLength(2);
  expect(leftOut).toHaveLength(1);
  const shown = [...tools.map(({ tool }) => tool), ...leftOut];
  expect(JSON.stringify(shown)).not.toContain(HALF.slice(0, 6));
});

test("nor does a secret stay that only characters that are not seen had hidden", ({ expect }) => {
  const description = `Use ${SECRET.split("").join("\u200b")}`;
  const offered = [{ name: "run", description, inputSchema: { type: "object" } as const }];
  const [run] = readTools(offered, { believeHints: false, mask }).tools;
  expect(run?.tool.description).toBe("Use [redacted]");
});

test("nor do results that are cut", ({ expect }) => {
  const content = [{ type: "text" as const, text: `${upTo(1_024)}${"z".repeat(2_000)}` }];
  for (const isError of [false, true]) {
    const outcome = toMcpOutcome({ content, isError }, { maxBytes: 1_024, mask });
    expect(JSON.stringify(outcome)).toContain("[cut: ");
    expect(JSON.stringify(outcome)).not.toContain(HALF);
  }
});

test("nor does the end of a long complaint of a server that is tried", async ({ expect }) => {
  const tail = SECRET.slice(-8);
  const { entry, settings } = settingsOf({
    command: "/bin/sh",
    // All but the end of the secret is more than the last 10,000 characters.
    args: ["-c", 'printf %s "$TOKEN" >&2; head -c 9992 /dev/zero | tr "\\0" x >&2; exit 3'],
    env: { TOKEN: { secret: "TOKEN" } },
  });
  const report = await inspectMcpServer("one", entry, {
    secrets: { TOKEN: SECRET },
    masker: createReportMasker(settings, [SECRET]),
    listPins: async () => ({}),
  });
  expect(report.state).toMatchObject({ message: expect.stringMatching(/said was: .*xxxx/u) });
  expect(JSON.stringify(report)).not.toContain(tail);
});

test("reports show no secret that stands in the path of an address", async ({ expect }) => {
  const token = "NGFhYjE2ZTQtYjQ2Ny00";
  const { entry, settings } = settingsOf({
    url: `http://127.0.0.1:1/api/mcp/s/${token}/mcp`,
    headers: { "X-Password": { value: "hunter2" } },
  });
  const known = createReportMasker(settings, []);
  const deps = { secrets: {}, masker: known, listPins: async () => ({}) };
  const report = maskReport(await inspectMcpServer("one", entry, deps), known);
  expect(report.target).toBe("http://127.0.0.1:1/api/mcp/s/[redacted]/mcp");
  expect(JSON.stringify(report)).not.toContain(token);
  expect(known.mask("it was hunter2")).toBe("it was [redacted]");
});
