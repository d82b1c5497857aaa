import { toTook } from "./duration-text.ts";
import type { TurnSpend } from "./protocol.ts";

const NANOS = 1_000_000_000;
const CENT = NANOS / 100;

/** What a turn took, on one line. */
export function toSpendText({ spend }: TurnSpend): string {
  const { steps, tokens, costNanoUsd, wallMs } = spend;
  return [
    toTook(wallMs),
    ...(tokens > 0 ? [`${tokens.toLocaleString("en")} tokens`] : []),
    ...(costNanoUsd > 0 ? [toMoney(costNanoUsd)] : []),
    ...(steps > 1 ? [`${steps} steps`] : []),
  ].join(" · ");
}

function toMoney(nanoUsd: number): string {
  if (nanoUsd < CENT / 100) return "under $0.0001";
  return `$${(nanoUsd / NANOS).toFixed(nanoUsd < CENT ? 4 : 2)}`;
}
