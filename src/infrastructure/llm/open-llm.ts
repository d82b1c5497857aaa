import type { Llm } from "#application/ports/llm.ts";
import { Fault } from "#domain/shared/fault.ts";
import { createOfflineLlm } from "./offline-rules.ts";
import { createOpenAiLlm } from "./openai.ts";

export interface OpenAiAccess {
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
}

/**
 * The model named `<provider>/<model>`. Throws `Fault` (`CONFIG_INVALID`) for a provider that is
 * not known or lacks its key. Opens no connection.
 */
export function openLlm(name: string, openai: OpenAiAccess): Llm {
  const slash = name.indexOf("/");
  const provider = name.slice(0, slash);
  if (name === "offline/rules") return createOfflineLlm();
  if (provider === "openai" && slash < name.length - 1) {
    return createOpenAiLlm({ ...openai, model: name.slice(slash + 1) });
  }
  throw new Fault(
    "CONFIG_INVALID",
    `Cannot use model "${name}": expected "offline/rules" or "openai/<model>" in NEXFLOW_MODEL`,
  );
}
