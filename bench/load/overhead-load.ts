import { type Arm, type Asker, openAsker, type Places } from "../overhead/askers.ts";

/*
 * The load of the `overhead` benchmark, a process of its own: it asks by the arm that its parent
 * names, in so many sessions at once, and tells how long the answers took.
 */

export interface OverheadOrder {
  readonly arm: Arm;
  readonly sessions: number;
  /** What ends before is not counted. */
  readonly wakeMs: number;
  readonly forMs: number;
}

export interface OverheadReport {
  /** Those that ended in the time that counts. */
  readonly turns: number;
  readonly seconds: number;
  /** Those of all the time. */
  readonly allTurns: number;
  readonly failed: number;
  /** Why, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly firstTokenMs: readonly number[];
  readonly turnMs: readonly number[];
}

const places = JSON.parse(process.argv[2] ?? "") as Places;
const askers = new Map<Arm, Asker[]>();

process.on("message", (order: OverheadOrder | "end") => {
  if (order === "end") process.disconnect();
  else void runBlock(order).then((report) => process.send?.(report));
});
process.send?.("ready");

async function runBlock({ arm, sessions, wakeMs, forMs }: OverheadOrder): Promise<OverheadReport> {
  const firstTokenMs: number[] = [];
  const turnMs: number[] = [];
  let [allTurns, failed] = [0, 0];
  const reasons: Record<string, number> = {};
  const asking = await openAskers(arm, sessions);
  const beginMs = performance.now() + wakeMs;
  const endMs = beginMs + forMs;
  const session = async (asker: Asker) => {
    while (performance.now() < endMs) {
      const askedMs = performance.now();
      let firstMs: number | undefined;
      const fault = await asker
        .ask("Tell me something in twenty words.", () => (firstMs ??= performance.now()))
        .then(
          () => (firstMs === undefined ? "no text" : undefined),
          (error: unknown) => String(error),
        );
      const endedMs = performance.now();
      allTurns += 1;
      if (fault !== undefined) {
        failed += 1;
        reasons[fault] = (reasons[fault] ?? 0) + 1;
      }
      if (endedMs < beginMs || endedMs > endMs || firstMs === undefined) continue;
      firstTokenMs.push(firstMs - askedMs);
      turnMs.push(endedMs - askedMs);
    }
  };
  await Promise.all(asking.map(session));
  return {
    turns: turnMs.length,
    seconds: forMs / 1_000,
    allTurns,
    failed,
    reasons,
    firstTokenMs,
    turnMs,
  };
}

async function openAskers(arm: Arm, sessions: number): Promise<readonly Asker[]> {
  const open = askers.get(arm) ?? [];
  const further = Array.from({ length: Math.max(0, sessions - open.length) }, () =>
    openAsker(arm, places),
  );
  open.push(...(await Promise.all(further)));
  askers.set(arm, open);
  return open.slice(0, sessions);
}
