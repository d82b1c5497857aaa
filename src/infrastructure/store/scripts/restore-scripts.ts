import { queries } from "../load-queries.ts";
import { run, type Script } from "../script.ts";
import { requeueExpiries } from "./approval-scripts.ts";
import { appendAudit } from "./audit-scripts.ts";
import { requeueFirings } from "./schedule-scripts.ts";

export interface FinishRestore {
  readonly nowMs: number;
  readonly takenAtMs: number;
  /** The kind of store that the backup is of. */
  readonly from: string;
}

/**
 * What makes a restored store another one than the one it was: nobody's lease holds, firings that
 * have not ended and questions that are open have their jobs, which a backup of Postgres is without,
 * and every run from now on has an epoch that none had before. A client that saw what the backup has
 * not asks from a position that is not there, and gets a snapshot.
 */
export function* finishRestore({ nowMs, takenAtMs, from }: FinishRestore): Script<void> {
  yield* run(queries.jumpEpoch, { epoch: nowMs });
  yield* run(queries.deleteInstances);
  yield* requeueFirings(nowMs);
  yield* requeueExpiries(nowMs);
  yield* appendAudit([
    {
      atMs: nowMs,
      actor: "system",
      action: "store.restored",
      subject: "store",
      decision: "allowed",
      detail: { takenAtMs, from },
    },
  ]);
}
