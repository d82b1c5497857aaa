import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

export interface AuditDeps {
  /** Newest first. */
  readonly list: (query: AuditQuery) => Promise<readonly ListedEntry[]>;
  /** Checks the store's log, or an exported file without any store. */
  readonly verify: (request: VerifyRequest) => Promise<Verdict>;
  /** Lines of JSON, oldest first, with where the chain then is. */
  readonly export: (afterSeq: number) => AsyncIterable<ExportedLine>;
}

export interface AuditQuery {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly isDenied: boolean;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** An entry as it is shown; what was erased is `null`. */
export interface ListedEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly decision: string;
  readonly detail: unknown;
}

export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export interface VerifyRequest {
  readonly file: string | undefined;
  /** What the first entry follows. */
  readonly start: Head | undefined;
  /** An entry that must be there. */
  readonly expected: Head | undefined;
}

export type Verdict =
  | { readonly kind: "intact"; readonly entries: number; readonly erased: number; head: Head }
  | { readonly kind: "broken"; readonly seq: number; readonly flaw: string };

export interface ExportedLine {
  readonly line: string;
  readonly head: Head;
}

interface ListOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly denied?: true;
  readonly since?: number;
  readonly until?: number;
  readonly before?: number;
  readonly limit: number;
}

const LIMIT_MOST = 10_000;

export function addAuditCommand(program: Command, deps: AuditDeps): void {
  const audit = program.command("audit").description("who did what, and what was refused");
  addList(audit, deps);
  addVerify(audit, deps);
  addExport(audit, deps);
}

function addList(audit: Command, { list }: AuditDeps): void {
  audit
    .command("list")
    .description("list entries of the audit log, newest first")
    .option("--actor <user>", "only what one user did")
    .option("--action <name>", 'only one kind, as "token.created"')
    .option("--subject <subject>", 'only what was done to it, as "user:<id>"')
    .option("--denied", "only what was refused")
    .option("--since <time>", "from this time on, as 2026-01-31 or 2026-01-31T12:00:00Z", parseTime)
    .option("--until <time>", "before this time", parseTime)
    .option("--before <seq>", "older than this entry: the next page", parseSeq)
    .option("--limit <n>", "how many at most", parseLimit, 50)
    .action(async ({ denied, since, until, ...query }: ListOptions, command: Command) => {
      const isDenied = denied === true;
      const entries = await list({ ...query, isDenied, sinceMs: since, untilMs: until });
      print(isJson(command), { entries }, () => toText(entries));
    });
}

function addVerify(audit: Command, { verify }: AuditDeps): void {
  audit
    .command("verify")
    .description("check that no entry was changed, removed, added or moved; exit code 1 if so")
    .argument("[file]", "an exported file; without it the store's own log")
    .option(
      "--head <seq:hash>",
      "an entry that must be there, as an earlier run told it",
      parseHead,
    )
    .option("--after <seq:hash>", "the entry that the file's first one follows", parseHead)
    .action(async (file: string | undefined, options, command: Command) => {
      const { head: expected, after: start } = options as { head?: Head; after?: Head };
      if (expected !== undefined && start !== undefined && expected.seq <= start.seq) {
        throw new CommandError("USAGE", "Cannot verify: --head lies before --after");
      }
      const verdict = await verify({ file, expected, start });
      const isIntact = verdict.kind === "intact";
      print(isJson(command), { ok: isIntact, ...verdict }, () => verdictText(verdict));
      if (!isIntact) process.exitCode = EXIT.failed;
    });
}

function addExport(audit: Command, deps: AuditDeps): void {
  audit
    .command("export")
    .description("write entries as JSON Lines, oldest first; the last one's head to standard error")
    .option("--after <seq>", "only entries after this one", parseSeq, 0)
    .action(async ({ after }: { after: number }, command: Command) => {
      let head: Head | undefined;
      let entries = 0;
      for await (const exported of deps.export(after)) {
        await write(`${exported.line}\n`);
        ({ head } = exported);
        entries += 1;
      }
      const told = { entries, head: head ?? null };
      const text = `${entries} entries${head === undefined ? "" : `, head ${headText(head)}`}`;
      console.error(isJson(command) ? JSON.stringify(told) : text);
    });
}

/** Waits where whoever reads is slow. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

const FLAWS: Readonly<Record<string, string>> = {
  number: "another number was due: entries are missing, doubled or out of order",
  link: "it does not follow the entry before it",
  entry: "it is not what was hashed",
  actor: "its actor is not what was sealed",
  subject: "its subject is not what was sealed",
  detail: "its detail is not what was sealed",
  end: "it is missing: the log ends before the head that is known",
  head: "it is another one than the head that is known",
  line: "the line is no entry",
};

function verdictText(verdict: Verdict): string {
  if (verdict.kind === "broken") {
    return `Broken at entry ${verdict.seq}: ${FLAWS[verdict.flaw] ?? verdict.flaw}`;
  }
  const { entries, erased, head } = verdict;
  const note = erased === 0 ? "" : `, ${erased} with something erased`;
  return `Intact: ${entries} entries${note}, head ${headText(head)}`;
}

function headText({ seq, hash }: Head): string {
  return `${seq}:${hash}`;
}

function toText(entries: readonly ListedEntry[]): string {
  if (entries.length === 0) return "Nothing on record";
  const head = ["SEQ", "TIME", "ACTOR", "ACTION", "SUBJECT", "DECISION", "DETAIL"];
  return toTable([head, ...entries.map((entry) => toRow(entry).map(toCell))]);
}

function toRow({ seq, atMs, actor, action, subject, decision, detail }: ListedEntry): string[] {
  const time = new Date(atMs).toISOString();
  const about = detail === null ? "" : JSON.stringify(detail);
  return [`${seq}`, time, actor ?? "(erased)", action, subject ?? "(erased)", decision, about];
}

function toCell(text: string): string {
  return toPlainText(text).replaceAll(/\s+/gu, " ");
}

function parseTime(raw: string): number {
  const ms = Date.parse(raw);
  if (/^\d{4}-\d{2}-\d{2}/u.test(raw) && !Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError("expected a time as 2026-01-31 or 2026-01-31T12:00:00Z");
}

function parseSeq(raw: string): number {
  const seq = Number(raw);
  if (Number.isSafeInteger(seq) && seq >= 0) return seq;
  throw new InvalidArgumentError("expected the number of an entry");
}

function parseLimit(raw: string): number {
  const limit = Number(raw);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MOST) return limit;
  throw new InvalidArgumentError(`expected an integer from 1 to ${LIMIT_MOST}`);
}

function parseHead(raw: string): Head {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/u.exec(raw) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('expected "<seq>:<hash>" as "audit verify" tells it');
}
