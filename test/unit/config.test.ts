import { describe, test } from "vitest";
import { parseConfig } from "../../src/config.ts";

describe("parseConfig()", () => {
  test.for([
    ["NEXFLOW_PORT", "abc", 'NEXFLOW_PORT "abc": expected an integer from 0 to 65535'],
    ["NEXFLOW_PORT", "65536", 'NEXFLOW_PORT "65536": expected an integer from 0 to 65535'],
    ["NEXFLOW_MAX_STEPS", "1.5", 'NEXFLOW_MAX_STEPS "1.5": expected an integer from 1 to 100'],
    ["NEXFLOW_MODEL", "gpt-5", 'NEXFLOW_MODEL "gpt-5": expected "<provider>/<model>"'],
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
  ] as const)("says what is wrong with %s=%j", async ([name, value, message], { expect }) => {
    expect(() => parseConfig({ [name]: value })).toThrow(`Cannot use ${message}`);
  });

  test("takes an empty variable for one that is not set", ({ expect }) => {
    expect(parseConfig({ NEXFLOW_PORT: "", OPENAI_API_KEY: "" })).toEqual(parseConfig({}));
  });
});
