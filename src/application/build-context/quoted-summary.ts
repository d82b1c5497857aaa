import type { Compaction } from "#domain/compaction/compaction.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import { quoteData } from "./quote-data.ts";
import type { Countable } from "./token-meter.ts";

/** A summary as models are given it; what it takes is counted once for each way to count. */
export const quotedSummary = oncePer(({ summary }: Compaction): Countable => {
  return { parts: [{ kind: "text", text: quoteData(summary) }] };
});
