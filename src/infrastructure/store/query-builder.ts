import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Query } from "./query.ts";
import type { Schema } from "./schema.ts";

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
export function arg<T extends string | number | Uint8Array | null = string>(name: string): T {
  return new Argument(name) as unknown as T;
}

/** Compiles what `builder` built. */
export function compile<Row>(built: Compilable<Row>): Query<Row> {
  const { sql, parameters } = built.compile();
  return {
    sql,
    parameters: parameters.map((parameter) =>
      parameter instanceof Argument
        ? { arg: parameter.name }
        : { value: parameter as string | number | null },
    ),
  };
}

class Argument {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
