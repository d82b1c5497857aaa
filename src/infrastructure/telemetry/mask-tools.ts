import type {
  SourceCall,
  SourceResult,
  ToolDecision,
  ToolRequest,
  ToolSource,
} from "#application/ports/tool-source.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import { maskFault } from "./mask-failure.ts";
import type { SecretMasker } from "./secret-masker.ts";

/** The same tools, whose results and refusals hold no secret. */
export function maskTools<Source extends ToolSource>(
  source: Source,
  masker: SecretMasker,
): ToolSource {
  return {
    listSkills: () => source.listSkills(),
    decide: (request: ToolRequest) => maskDecision(source.decide(request), masker),
    async invoke(call: SourceCall, signal: AbortSignal): Promise<SourceResult> {
      try {
        const result = await source.invoke(call, signal);
        return { ...result, outcome: maskOutcome(result.outcome, masker) };
      } catch (error) {
        throw maskFault(error, masker);
      }
    },
  };
}

function maskOutcome(outcome: ToolOutcome, masker: SecretMasker): ToolOutcome {
  return outcome.kind === "ok"
    ? { ...outcome, output: masker.maskJson(outcome.output) }
    : { ...outcome, message: masker.mask(outcome.message) };
}

function maskDecision(decision: ToolDecision, masker: SecretMasker): ToolDecision {
  switch (decision.kind) {
    case "allow":
      return decision;
    case "deny":
      return { ...decision, message: masker.mask(decision.message) };
    case "ask": {
      const reaches = decision.facts.reaches.map((line) => masker.mask(line));
      const reason = masker.mask(decision.reason);
      return { ...decision, reason, facts: { ...decision.facts, reaches } };
    }
    default:
      return decision satisfies never;
  }
}
