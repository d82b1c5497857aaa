import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Schema } from "./schema.ts";

/** A statement that was compiled once and runs many times with named arguments. */
export interface Query<Row> {
  readonly sql: string;
  /** The values of the statement's `?`, given the named arguments. */
  bind(args: QueryArgs): unknown[];
  /** Carries the type only. */
  readonly row?: Row;
}

export type QueryArgs = Readonly<Record<string, string | number | null>>;

/** Builds statements; it is not connected to any database. */
export const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** Stands in a built statement for the argument `name`. */
export function arg<T extends string | number | null = string>(name: string): T {
  return new Argument(name) as unknown as T;
}

/** Compiles what `builder` built. Throws `RangeError` later, from `bind`, where an argument lacks. */
export function compile<Row>(built: Compilable<Row>): Query<Row> {
  const { sql, parameters } = built.compile();
  return { sql, bind: (args) => parameters.map((parameter) => valueOf(parameter, args)) };
}

function valueOf(parameter: unknown, args: QueryArgs): unknown {
  if (!(parameter instanceof Argument)) return parameter;
  const value = args[parameter.name];
  if (value === undefined)
    throw new RangeError(`Cannot run query: argument "${parameter.name}" is missing`);
  return value;
}

class Argument {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
