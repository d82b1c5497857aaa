import { createBuildContext } from "#application/build-context/build-context.ts";
import type { BuildContext } from "#application/ports/build-context.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { MemoryContextStore } from "./fakes/memory-context-store.ts";
import { silentLog } from "./silent-log.ts";

/**
 * The real builder of contexts, over nothing stored and for a model that nobody knows; one that is
 * not offline writes the summaries.
 */
export function createTestContext(maxContextTokens: number, model = "offline/rules"): BuildContext {
  return createBuildContext({
    store: new MemoryContextStore(),
    promptSkills: { list: () => [] },
    loadTokenizer: async () => undefined,
    findModelWindow: () => ({ model }),
    maxContextTokens,
    newId,
    nowMs: () => 1,
    log: silentLog,
  });
}
