import { test } from "vitest";
import { mcpSettingsSchema } from "#infrastructure/mcp/mcp-settings.ts";
import { secretsIn } from "#infrastructure/mcp/plain-secrets.ts";
import {
  isSecretInLogs,
  isSecretInSpeech,
  SecretMasker,
} from "#infrastructure/telemetry/secret-masker.ts";

function secretsOf(server: object): readonly string[] {
  return secretsIn(mcpSettingsSchema.parse({ servers: { one: server } }));
}

const env = (values: Readonly<Record<string, string>>) => ({
  command: "x",
  env: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
});

test.for<[string, object, readonly string[]]>([
  ["a name that says so", env({ API_KEY: "abc/def-gh" }), ["abc/def-gh"]],
  ["a token by its looks", env({ ID: "ghp_A1b2C3d4E5f6G7h8" }), ["ghp_A1b2C3d4E5f6G7h8"]],
  ["a password in an address", env({ DB: "postgres://me:s3cret-word@host/db" }), ["s3cret-word"]],
  ["a short password", env({ PASSWORD: "hunter2" }), ["hunter2"]],
  [
    "a word behind a scheme",
    { url: "https://h/", headers: { Authorization: { value: "Bearer hunter" } } },
    ["Bearer hunter", "hunter"],
  ],
  [
    "a token in the path of a server's own address",
    { url: "https://mcp.zapier.com/api/mcp/s/NGFhYjE2ZTQtYjQ2Ny00/mcp" },
    ["NGFhYjE2ZTQtYjQ2Ny00"],
  ],
  [
    "a token in the path of any address, as it is written and as it is meant",
    env({ HOOK: "https://h/services/T0123/0a1b2c3d4e5f6a7b8c%3D/x" }),
    ["0a1b2c3d4e5f6a7b8c%3D", "0a1b2c3d4e5f6a7b8c="],
  ],
  ["a key in an address's query", env({ HOOK: "https://h/x?key=0123-4567" }), ["0123-4567"]],
  [
    "what follows a scheme in a header",
    { url: "https://h/", headers: { Authorization: { value: "Bearer abcd-1234" } } },
    ["Bearer abcd-1234", "abcd-1234"],
  ],
  [
    "a cookie",
    { url: "https://h/", headers: { Cookie: { value: "sid=abcd-1234; a=b" } } },
    ["sid=abcd-1234; a=b", "sid=abcd-1234", "abcd-1234"],
  ],
  ["the query of a server's own address", { url: "https://h/?token=abcd-1234" }, ["abcd-1234"]],
  [
    "arguments behind a flag",
    { command: "x", args: ["--api-key", "abcd-1234", "--token=efgh-5678", "-v", "--", "plain"] },
    ["abcd-1234", "efgh-5678"],
  ],
])("%s is a secret", ([, server, secrets], { expect }) => {
  expect(secretsOf(server)).toEqual(secrets);
});

test("each masker has its own rule for what is short", ({ expect }) => {
  const found = secretsOf(env({ PASSWORD: "hunter2", KEYBOARD: "qwerty" }));
  const text = "hunter2 qwerty";
  expect(new SecretMasker(isSecretInLogs, found).mask(text)).toBe("[redacted] [redacted]");
  expect(new SecretMasker(isSecretInSpeech, found).mask(text)).toBe(text);
});

test.for<[string, object]>([
  ["a folder", env({ HOME: "/var/lib/nexflow-mcp-2/data" })],
  ["a file with a key in it", env({ SSH_KEY_FILE: "/srv/keys/id_ed25519" })],
  ["an address", env({ AUTH_URL: "https://login.example.com/v2/start" })],
  ["a date, a place, a word", env({ DATE: "2026-01-01", REGION: "us-east-1", MODE: "production" })],
  ["a number, a switch", env({ MAX_TOKENS: "40960", TOKEN_TTL: "3600", AUTH: "true" })],
  ["a path of words", { url: "https://h/mcp-server-v2/streamable-http-1.0/2026-01-01-report.pdf" }],
  [
    "arguments that are none",
    { command: "npx", args: ["-y", "@scope/server-files", "/srv/files"] },
  ],
  ["secrets that stand there by name", { command: "x", env: { KEY: { secret: "API_TOKEN" } } }],
])("%s is none", ([, server], { expect }) => {
  expect(secretsOf(server)).toEqual([]);
});
