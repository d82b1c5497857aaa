import type { LlmRequest } from "#application/ports/llm.ts";
import type { ModelTest } from "#application/ports/model-trials.ts";
import { providerOf } from "#domain/model/model-name.ts";
import { Fault, toFailure } from "#domain/shared/fault.ts";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import { defaultModelOf, type ModelAccess, readModelSettings } from "./model-access.ts";
import { openModel } from "./open-model.ts";
import { reasoningOf, resolveModel } from "./routing/resolve-chain.ts";

const PATIENCE_MS = 60_000;
/** Models that think do so before they say a word. */
const MAX_OUTPUT_TOKENS = 512;
const MAX_SHOWN_CHARS = 200;

/**
 * Asks a model, or the default one, for a word: one attempt with its provider's first key, no
 * fallback. Throws `Fault` (`CONFIG_INVALID`) where `models.yaml` cannot be used.
 */
export async function testModel(
  access: ModelAccess,
  name: string | undefined,
  nowMs: () => number,
): Promise<ModelTest> {
  const settings = await readModelSettings(access.homeDir);
  const asked = name ?? defaultModelOf(access, settings);
  const startMs = nowMs();
  let model = asked;
  try {
    model = resolveModel(asked, settings);
    const [apiKey] = access.modelKeys[providerOf(model)] ?? [];
    const llm = openModel(model, { apiKey, settings, baseUrls: access.modelUrls });
    let text = "";
    let firstMs: number | undefined;
    const question = { ...QUESTION, reasoning: reasoningOf(asked, model, settings) };
    for await (const event of llm.stream(question, AbortSignal.timeout(PATIENCE_MS))) {
      firstMs ??= nowMs();
      if (event.kind === "text") text += event.delta;
      if (event.kind !== "finished") continue;
      const { inputTokens, outputTokens } = event.usage;
      const totalMs = nowMs() - startMs;
      const shown = text.trim().slice(0, MAX_SHOWN_CHARS);
      const took = { firstTokenMs: firstMs - startMs, totalMs, inputTokens, outputTokens };
      return { kind: "answered", model, text: shown, ...took };
    }
    const message = `Model "${model}" did not answer within ${PATIENCE_MS / 1_000} s`;
    throw new Fault("LLM_TIMEOUT", message);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: "failed", model, failure: toFailure(error), totalMs: nowMs() - startMs };
  }
}

const QUESTION: LlmRequest = {
  system: "You are being tested. Answer with one word.",
  skills: [],
  maxOutputTokens: MAX_OUTPUT_TOKENS,
  messages: [
    {
      id: parseMessageId("test"),
      sessionId: parseSessionId("test"),
      turnId: parseTurnId("test"),
      role: "user",
      parts: [{ kind: "text", text: "Say hello." }],
      isComplete: true,
      createdAtMs: 0,
    },
  ],
};
