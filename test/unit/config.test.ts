import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { openTempDir } from "../support/temp-dir.ts";

describe("parseConfig()", () => {
  test.for([
    ["NEXFLOW_PORT", "abc", 'NEXFLOW_PORT "abc": expected an integer from 0 to 65535'],
    ["NEXFLOW_PORT", "65536", 'NEXFLOW_PORT "65536": expected an integer from 0 to 65535'],
    ["NEXFLOW_MAX_STEPS", "1.5", 'NEXFLOW_MAX_STEPS "1.5": expected an integer from 1 to 100'],
    ["NEXFLOW_MODEL", "acme/one", 'NEXFLOW_MODEL "acme/one": expected "<provider>/<model>"'],
    ["ANTHROPIC_API_KEY_2", "sk hidden", "ANTHROPIC_API_KEY_2: expected visible ASCII characters"],
    ["OLLAMA_HOST", "ftp://host", 'OLLAMA_HOST "ftp://host": expected an http or https address'],
    [
      "NEXFLOW_LOG_LEVEL",
      "loud",
      'NEXFLOW_LOG_LEVEL "loud": expected one of silent, error, warn, info, debug',
    ],
    ["OPENAI_BASE_URL", "host:1", 'OPENAI_BASE_URL "host:1": expected an http or https address'],
    [
      "OPENAI_BASE_URL",
      "ftp://user:hidden@host",
      "OPENAI_BASE_URL: expected an http or https address",
    ],
    ["OPENAI_API_KEY", " ", "OPENAI_API_KEY: expected more than white space"],
    [
      "NEXFLOW_POLICY_LABEL",
      "Off line",
      'NEXFLOW_POLICY_LABEL "Off line": expected lower case, digits and hyphens',
    ],
    [
      "NEXFLOW_ALLOW_MISSING_LAYERS",
      "a,,b",
      'NEXFLOW_ALLOW_MISSING_LAYERS "a,,b": expected names of layers separated by commas',
    ],
    [
      "NEXFLOW_SECRET_apiToken",
      "hidden-value",
      "NEXFLOW_SECRET_apiToken: expected a name in upper case, as in NEXFLOW_SECRET_API_TOKEN",
    ],
    ["NEXFLOW_FAILPOINTS", "accept:answer=kill", "NEXFLOW_FAILPOINTS: it is for tests"],
    ["NEXFLOW_TEST_MODE", "on", 'NEXFLOW_TEST_MODE "on": expected "faults", in tests only'],
    [
      "NEXFLOW_TRUSTED_PROXIES",
      "10.0.0.0/99",
      'NEXFLOW_TRUSTED_PROXIES "10.0.0.0/99": expected addresses or ranges',
    ],
    ["NEXFLOW_TRUSTED_PROXIES", "proxy", 'NEXFLOW_TRUSTED_PROXIES "proxy": expected addresses'],
    ["NEXFLOW_RATE_SIGN_INS", "-1", 'NEXFLOW_RATE_SIGN_INS "-1": expected an integer from 0'],
    ["NEXFLOW_SECRET_", "hidden-value", "NEXFLOW_SECRET_: expected a name in upper case"],
    ["NEXFLOW_SECRET_PIN", "123", "NEXFLOW_SECRET_PIN: expected 8 to 4096 visible ASCII"],
    [
      "NEXFLOW_SECRET_PIN_FILE",
      "/no/such",
      'the file "/no/such" that NEXFLOW_SECRET_PIN_FILE names',
    ],
  ] as const)("says what is wrong with %s=%j", async ([name, value, message], { expect }) => {
    expect(() => parseConfig({ [name]: value })).toThrow(
      message.startsWith("the file") ? `Cannot read ${message}` : `Cannot use ${message}`,
    );
  });

  test("takes an empty variable for one that is not set", ({ expect }) => {
    expect(parseConfig({ NEXFLOW_PORT: "", OPENAI_API_KEY: "" })).toEqual(parseConfig({}));
  });

  test("takes keys of models in families, from variables and files, the first one first", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "key");
    await writeFile(file, "sk-from-file\n");
    const config = parseConfig({
      OPENAI_API_KEY_3: "sk-three",
      OPENAI_API_KEY_2_FILE: file,
      OPENAI_API_KEY: "sk-one",
      OPENAI_API_KEY_1: "sk-no-such-number",
      ANTHROPIC_API_KEY: "sk-ant",
      NEXFLOW_CUSTOM_MY_LAB_API_KEY: "lab-one",
      NEXFLOW_CUSTOM_MY_LAB_API_KEY_2: "lab-two",
    });
    expect(config.modelKeys).toEqual({
      openai: ["sk-one", "sk-from-file", "sk-three"],
      anthropic: ["sk-ant"],
      "custom:my-lab": ["lab-one", "lab-two"],
    });
    expect(config.secrets).toEqual(
      expect.arrayContaining([
        "sk-one",
        "sk-from-file",
        "sk-three",
        "sk-ant",
        "lab-one",
        "lab-two",
      ]),
    );
  });

  test("takes the places of services, ollama's as its own programs do", ({ expect }) => {
    const urls = (host: string) => parseConfig({ OLLAMA_HOST: host }).modelUrls["ollama"];
    expect(["gpu", "gpu:9", "https://gpu/x"].map(urls)).toEqual([
      "http://gpu:11434",
      "http://gpu:9",
      "https://gpu/x",
    ]);
    expect(parseConfig({}).modelUrls).toEqual({});
  });

  test("takes secrets for skills by their names, from variables and files", async ({ expect }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "token");
    await writeFile(file, "from a file\n");
    const config = parseConfig({
      NEXFLOW_SECRET_API_TOKEN: " from a variable ",
      NEXFLOW_SECRET_OTHER_FILE: file,
      NEXFLOW_SECRET_FILE: "named FILE",
      NEXFLOW_SECRET_UNSET: "",
      OPENAI_API_KEY: "sk-openai",
    });
    expect(config.skillSecrets).toEqual({
      API_TOKEN: "from a variable",
      OTHER: "from a file",
      FILE: "named FILE",
    });
    expect(config.secrets.toSorted()).toEqual([
      "from a file",
      "from a variable",
      "named FILE",
      "sk-openai",
    ]);
  });

  test("refuses a secret for skills that is given twice, and shows neither value", ({ expect }) => {
    const env = { NEXFLOW_SECRET_A: "value-one", NEXFLOW_SECRET_A_FILE: "/etc/a" };
    expect(() => parseConfig(env)).toThrow(
      "Cannot use both NEXFLOW_SECRET_A and NEXFLOW_SECRET_A_FILE: set one",
    );
    expect(() => parseConfig(env)).not.toThrow("value-one");
  });

  test("never shows a secret for skills in a message", ({ expect }) => {
    const env = { NEXFLOW_SECRET_bad: "value-one", NEXFLOW_SECRET_A: "abc", NEXFLOW_PORT: "x" };
    expect(() => parseConfig(env)).toThrow("Cannot use");
    expect(() => parseConfig(env)).not.toThrow(/value-one|abc/u);
  });

  test("takes the addresses of proxies, and limits to be switched off", ({ expect }) => {
    const { trustedProxies, rateLimits } = parseConfig({
      NEXFLOW_TRUSTED_PROXIES: "10.0.0.0/8, ::1,2001:db8::/32",
      NEXFLOW_RATE_MESSAGES: "0",
    });
    expect(trustedProxies).toEqual(["10.0.0.0/8", "::1", "2001:db8::/32"]);
    expect(rateLimits).toEqual({ requests: 60_000, messages: 0, signIns: 10, signInsInAll: 600 });
  });

  test("splits the names of layers at commas", ({ expect }) => {
    const { allowMissingLayers } = parseConfig({
      NEXFLOW_ALLOW_MISSING_LAYERS: "cgroup, no-network",
    });
    expect(allowMissingLayers).toEqual(["cgroup", "no-network"]);
    expect(parseConfig({}).allowMissingLayers).toEqual([]);
  });
});
