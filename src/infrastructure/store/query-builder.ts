import {
  type Compilable,
  createQueryId,
  DummyDriver,
  Kysely,
  type OperationNodeSource,
  PostgresQueryCompiler,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Query, Statement } from "./query.ts";
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

/**
 * SQLite prepares a statement anew, for up to 60 µs, each time that it is run with an argument which
 * could have changed its plan: one that meets the condition of a partial index, or a limit. A `+`
 * before an argument changes nothing but that. What is the same each time is part of the statement.
 */
class PreparedOnceCompiler extends SqliteQueryCompiler {
  protected override appendValue(value: unknown): void {
    if (value instanceof Argument) super.appendValue(value);
    else this.appendImmediateValue(value);
  }

  protected override getCurrentParameterPlaceholder(): string {
    return "+?";
  }
}

type Built<Row> = Compilable<Row> & OperationNodeSource;
type Compiler = SqliteQueryCompiler | PostgresQueryCompiler;

/**
 * Compiles what `builder` built, for both dialects. `forPostgres` is the same statement where
 * Postgres has to say it in another way, as with row locks, which SQLite has not.
 */
export function compile<Row>(built: Built<Row>, forPostgres: Built<Row> = built): Query<Row> {
  return {
    sqlite: compileWith(new PreparedOnceCompiler(), built),
    postgres: compileWith(new PostgresQueryCompiler(), forPostgres),
  };
}

function compileWith(compiler: Compiler, built: Built<unknown>): Statement {
  const node = built.toOperationNode() as RootOperationNode;
  const { sql, parameters } = compiler.compileQuery(node, createQueryId());
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
