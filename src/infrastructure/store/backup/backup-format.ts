import { createHash } from "node:crypto";
import { z } from "zod";
import { Fault } from "#domain/shared/fault.ts";

/*
 * A backup is one gzip file of JSON Lines, the same for every store, so it also moves the data from
 * one kind to the other:
 *
 *   {"kind":"header","format":1,"migrations":[...],"takenAtMs":...,...}
 *   {"kind":"table","name":"user","columns":["user_id",...]}
 *   ["alice",...]                                      a row, in the order of the columns
 *   {"kind":"end","name":"user","rows":1,"sha256":"..."}   of the rows' lines
 *   ... table after table; one comes after those that it refers to ...
 *   {"kind":"manifest","tables":2,"rows":17,"sha256":"..."}   of all lines before
 *
 * Rows are in the order of their keys, by the bytes of their UTF-8. Bytes are {"base64":"..."}. A
 * file without its manifest, or with another one than its lines, is no backup.
 */

/** What a column may hold. */
export type Cell = string | number | null | Uint8Array;
export type Row = readonly Cell[];

export interface BackupHeader {
  /** Of Nexflow. */
  readonly version: string;
  readonly store: "sqlite" | "postgres";
  readonly migrations: readonly string[];
  readonly takenAtMs: number;
}

export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Where the rows of a backup come from. */
export interface BackupSource {
  readonly header: BackupHeader;
  /** Each after those that it refers to. */
  readonly tables: readonly TableShape[];
  /** In the order of the key; all of one moment. */
  rows(table: TableShape): AsyncIterable<readonly Row[]>;
}

export interface TableSum {
  readonly rows: number;
  readonly sha256: string;
}

/** What a backup holds, by table. */
export type BackupManifest = ReadonlyMap<string, TableSum>;

export type BackupPart =
  | ({ readonly kind: "header" } & BackupHeader)
  | ({ readonly kind: "table" } & TableShape)
  /** Of the last table. */
  | { readonly kind: "rows"; readonly rows: readonly Row[] }
  /** The last part: what was read is whole. */
  | { readonly kind: "manifest"; readonly tables: BackupManifest };

const FORMAT = 1;

/** The lines of a backup, some at a time, each with its line feed. */
export async function* toBackupLines(source: BackupSource): AsyncGenerator<string> {
  const all = createHash("sha256");
  let rows = 0;
  const line = (value: object) => {
    const text = `${JSON.stringify(value)}\n`;
    all.update(text);
    return text;
  };
  yield line({ kind: "header", format: FORMAT, ...source.header });
  for (const table of source.tables) {
    const { name, columns } = table;
    yield line({ kind: "table", name, columns });
    const sum = createTableSum();
    for await (const batch of source.rows(table)) {
      const text = sum.add(batch);
      all.update(text);
      yield text;
    }
    const total = sum.end();
    rows += total.rows;
    yield line({ kind: "end", name, ...total });
  }
  const tables = source.tables.length;
  yield `${JSON.stringify({ kind: "manifest", tables, rows, sha256: all.digest("hex") })}\n`;
}

/** The sum of a table's rows, as it stands in a manifest. */
export function createTableSum() {
  const hash = createHash("sha256");
  let rows = 0;
  return {
    /** Gives the lines of these rows. */
    add(batch: readonly Row[]): string {
      const text = batch.map((row) => `${JSON.stringify(row.map(toJson))}\n`).join("");
      hash.update(text);
      rows += batch.length;
      return text;
    },
    end: (): TableSum => ({ rows, sha256: hash.digest("hex") }),
  };
}

const Header = z.strictObject({
  kind: z.literal("header"),
  format: z.int(),
  version: z.string(),
  store: z.enum(["sqlite", "postgres"]),
  migrations: z.array(z.string()),
  takenAtMs: z.int(),
});
const Table = z.strictObject({
  kind: z.literal("table"),
  name: z.string(),
  columns: z.array(z.string()).min(1),
});
const End = z.strictObject({
  kind: z.literal("end"),
  name: z.string(),
  rows: z.int(),
  sha256: z.string(),
});
const Manifest = z.strictObject({
  kind: z.literal("manifest"),
  tables: z.int(),
  rows: z.int(),
  sha256: z.string(),
});
const Line = z.discriminatedUnion("kind", [Header, Table, End, Manifest]);
const JsonCell = z.union([
  z.string(),
  z.number(),
  z.null(),
  z.strictObject({ base64: z.base64() }),
]);

/**
 * Reads the lines of a backup, without their line feeds, in batches. What it gives is proven whole
 * by the last part only. Throws `Fault` `BACKUP_INVALID` where it is damaged or of a newer format.
 */
export async function* parseBackup(
  batches: AsyncIterable<readonly string[]>,
): AsyncGenerator<BackupPart> {
  const reader = new BackupReader();
  for await (const lines of batches) yield* reader.read(lines);
  yield reader.end();
}

/** Holds a backup's lines against what the lines themselves say of them. */
class BackupReader {
  readonly #all = createHash("sha256");
  readonly #tables = new Map<string, TableSum>();
  #hasHeader = false;
  #table: (TableShape & { rows: number; readonly hash: ReturnType<typeof createHash> }) | undefined;
  #isWhole = false;

  *read(lines: readonly string[]): Generator<BackupPart> {
    let rows: Row[] = [];
    for (const line of lines) {
      if (line.startsWith("[")) rows.push(this.#readRow(line));
      else {
        if (rows.length > 0) yield { kind: "rows", rows };
        rows = [];
        yield* this.#readLine(line);
      }
    }
    if (rows.length > 0) yield { kind: "rows", rows };
  }

  end(): BackupPart {
    if (!this.#isWhole) throw damaged("it ends too early");
    return { kind: "manifest", tables: this.#tables };
  }

  #readRow(line: string): Row {
    const table = this.#table;
    if (table === undefined) throw damaged("there is a row outside a table");
    const row = parseJson(line);
    if (!Array.isArray(row) || row.length !== table.columns.length) {
      throw damaged(`a row of table "${table.name}" has not its columns`);
    }
    this.#all.update(`${line}\n`);
    table.hash.update(`${line}\n`);
    table.rows += 1;
    return row.map(fromJson);
  }

  *#readLine(line: string): Generator<BackupPart> {
    if (this.#isWhole) throw damaged("it goes on after its end");
    const parsed = Line.safeParse(parseJson(line));
    if (!parsed.success) throw damaged("a line is none of a backup");
    const found = parsed.data;
    if (found.kind === "header" ? this.#hasHeader : !this.#hasHeader) {
      throw damaged("it does not begin with its one header");
    }
    if (found.kind === "manifest") return this.#readManifest(found);
    this.#all.update(`${line}\n`);
    if (found.kind === "end") return this.#endTable(found);
    if (this.#table !== undefined) throw damaged(`table "${this.#table.name}" has no end`);
    if (found.kind === "header") {
      yield this.#readHeader(found);
      return;
    }
    this.#table = { ...found, rows: 0, hash: createHash("sha256") };
    yield found;
  }

  #readHeader({ format, ...header }: z.output<typeof Header>): BackupPart {
    if (format !== FORMAT) {
      throw new Fault(
        "BACKUP_INVALID",
        `Cannot read the backup: it has format ${format}, expected ${FORMAT}; use a newer Nexflow`,
      );
    }
    this.#hasHeader = true;
    return header;
  }

  #endTable({ name, rows, sha256 }: z.output<typeof End>): void {
    const table = this.#table;
    const isSame =
      table?.name === name && table.rows === rows && table.hash.digest("hex") === sha256;
    if (!isSame || this.#tables.has(name)) {
      throw damaged(`table "${name}" is not what was written`);
    }
    this.#tables.set(name, { rows, sha256 });
    this.#table = undefined;
  }

  #readManifest({ tables, rows, sha256 }: z.output<typeof Manifest>): void {
    const found = [...this.#tables.values()].reduce((sum, table) => sum + table.rows, 0);
    const isSame =
      this.#table === undefined &&
      tables === this.#tables.size &&
      rows === found &&
      sha256 === this.#all.digest("hex");
    if (!isSame) throw damaged("its manifest is another one");
    this.#isWhole = true;
  }
}

export function damaged(reason: string, cause?: unknown): Fault {
  const message = `Cannot read the backup: ${reason}; it is damaged or no backup of Nexflow`;
  return new Fault("BACKUP_INVALID", message, { cause });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw damaged("a line is no JSON", cause);
  }
}

function toJson(cell: Cell): string | number | null | { readonly base64: string } {
  return cell instanceof Uint8Array ? { base64: Buffer.from(cell).toString("base64") } : cell;
}

function fromJson(value: unknown): Cell {
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  const parsed = JsonCell.safeParse(value);
  if (!parsed.success || typeof parsed.data !== "object" || parsed.data === null) {
    throw damaged("a value is none of a backup");
  }
  return Buffer.from(parsed.data.base64, "base64");
}
