import { test } from "vitest";
import { openLlm } from "#infrastructure/llm/open-llm.ts";

const key = { apiKey: "sk-1", baseUrl: undefined };
const noKey = { apiKey: undefined, baseUrl: undefined };

test("openLlm() opens both providers by name", ({ expect }) => {
  expect(openLlm("offline/rules", noKey).name).toBe("offline/rules");
  expect(openLlm("openai/org/model:1", key).name).toBe("openai/org/model:1");
});

test("openLlm() names the known models for one it does not know", ({ expect }) => {
  for (const name of ["acme/one", "offline/other", "openai/", "openai"]) {
    expect(() => openLlm(name, key)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: `Cannot use model "${name}": expected "offline/rules" or "openai/<model>" in NEXFLOW_MODEL`,
      }),
    );
  }
});

test("openLlm() asks for a key, but for a server on this machine", ({ expect }) => {
  expect(() => openLlm("openai/x", noKey)).toThrow("set OPENAI_API_KEY");
  const away = { apiKey: undefined, baseUrl: "http://127.0.0.1.example.org/v1" };
  expect(() => openLlm("openai/x", away)).toThrow("127.0.0.1.example.org");
  const home = { apiKey: undefined, baseUrl: "http://localhost:11434/v1" };
  expect(openLlm("openai/x", home).name).toBe("openai/x");
});
