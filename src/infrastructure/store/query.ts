/** A statement that was compiled once and runs many times with named arguments. */
export interface Query<Row> {
  readonly sql: string;
  /** What stands for each `?`, in order. */
  readonly parameters: readonly Parameter[];
  /** Carries the type of the rows only. */
  readonly row?: Row;
}

export type Parameter = { readonly arg: string } | { readonly value: string | number | null };
export type QueryArgs = Readonly<Record<string, string | number | Uint8Array | null>>;

/** The values of a statement's `?`. Throws `RangeError` where an argument is missing. */
export function bind({ sql, parameters }: Query<unknown>, args: QueryArgs): unknown[] {
  return parameters.map((parameter) => {
    if ("value" in parameter) return parameter.value;
    const value = args[parameter.arg];
    if (value !== undefined) return value;
    throw new RangeError(`Cannot run "${sql}": the argument "${parameter.arg}" is missing`);
  });
}
