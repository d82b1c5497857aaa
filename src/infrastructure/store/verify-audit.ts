import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import type { AuditVerdict } from "#domain/audit/audit-chain.ts";
import { EMPTY_CHAIN, verifyChain } from "#domain/audit/audit-chain.ts";
import type { AuditEntry, AuditHead, AuditLog } from "#domain/audit/audit-log.ts";
import { Fault } from "#domain/shared/fault.ts";
import { hashSecret } from "../ids/ids.ts";
import { parseAuditLine } from "./audit-lines.ts";

export interface VerifyAudit {
  /** What the first entry follows; the beginning unless given. */
  readonly start?: AuditHead | undefined;
  /** An entry that must be there. */
  readonly expected?: AuditHead | undefined;
}

export type FileVerdict =
  | AuditVerdict
  | { readonly kind: "broken"; readonly seq: number; readonly flaw: "line" };

const PAGE = 500;

/** All entries of a log after `seq`, oldest first. */
export async function* readAuditEntries(
  log: Pick<AuditLog, "read">,
  after: number,
): AsyncGenerator<AuditEntry> {
  for (let seq = after; ; ) {
    const page = await log.read(seq, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    ({ seq } = last);
    // Others have their turn, however fast the pages come.
    await setImmediate();
  }
}

/** Checks entries of the store or of a file. */
export function verifyAudit(
  entries: AsyncIterable<AuditEntry>,
  { start = EMPTY_CHAIN, expected }: VerifyAudit,
): Promise<AuditVerdict> {
  return verifyChain(entries, { hash: hashSecret, start, expected });
}

/** Makes what checks a whole log; who asks while that is done gets the same verdict. */
export function createVerifyAudit(log: Pick<AuditLog, "read">): () => Promise<AuditVerdict> {
  let running: Promise<AuditVerdict> | undefined;
  return () => {
    running ??= verifyAudit(readAuditEntries(log, 0), {}).finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** Checks an exported file; no store is needed. Throws `Fault` where it cannot be read. */
export async function verifyAuditFile(file: string, options: VerifyAudit): Promise<FileVerdict> {
  let seq = options.start?.seq ?? 0;
  const entries = (async function* () {
    for await (const line of readLines(file)) {
      seq += 1;
      yield parseAuditLine(line);
    }
  })();
  try {
    return await verifyAudit(entries, options);
  } catch (error) {
    if (error instanceof RangeError) return { kind: "broken", seq, flaw: "line" };
    throw error;
  }
}

async function* readLines(file: string): AsyncGenerator<string> {
  const input = createReadStream(file);
  const failed = new Promise<never>((_, reject) => {
    input.once("error", reject);
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([new Promise((opened) => input.once("open", opened)), failed]);
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("CONFIG_INVALID", `Cannot read "${file}": ${reason}`, { cause });
  } finally {
    input.destroy();
  }
}
