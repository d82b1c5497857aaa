/** The databases there are adapters for. */
export type Dialect = "sqlite" | "postgres";

/** A statement that was compiled once, for each dialect, and runs many times with named arguments. */
export interface Query<Row> extends Readonly<Record<Dialect, Statement>> {
  /** Carries the type of the rows only. */
  readonly row?: Row;
}

export interface Statement {
  readonly sql: string;
  /** What stands for each placeholder, in order. */
  readonly parameters: readonly Parameter[];
}

export type Parameter = { readonly arg: string } | { readonly value: string | number | null };
export type QueryArgs = Readonly<Record<string, string | number | Uint8Array | null>>;

/** The values of a statement's placeholders. Throws `RangeError` where an argument is missing. */
export function bind({ sql, parameters }: Statement, args: QueryArgs): unknown[] {
  return parameters.map((parameter) => {
    if ("value" in parameter) return parameter.value;
    const value = args[parameter.arg];
    if (value !== undefined) return value;
    throw new RangeError(`Cannot run "${sql}": the argument "${parameter.arg}" is missing`);
  });
}
