import type { AcceptResult, AcceptTurn, SaveTurn } from "#domain/turn/turn-log.ts";
import { passCommit } from "../../../failpoints/failpoints.ts";
import { type Reads, reads } from "../../reads.ts";
import type { ReadCaller, WriteCaller } from "../../repositories.ts";
import type { Script, Scripts } from "../../script.ts";
import { fenced } from "../../scripts/fenced.ts";
import { type Writes, writes } from "../../writes.ts";
import { acceptAll, acceptKeys } from "./accept-all.ts";
import { BatchWriter } from "./batch-writer.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { isUsualSave, saveAll, saveKeys } from "./save-all.ts";

/** Reads that promise one moment. For the others it does not matter, or they are one statement. */
const AT_ONCE: ReadonlySet<string> = new Set<keyof Reads>(["readConversation"]);

export interface PostgresCallers {
  readonly reader: ReadCaller;
  readonly writer: WriteCaller;
}

/**
 * Runs scripts over a pool: reads as they come, writes in a transaction each, but those of which
 * there are many, `accept` and `save`, in batches.
 */
export function createPostgresCallers(pool: PostgresPool): PostgresCallers {
  const acceptOne = (input: AcceptTurn) => pool.write(() => writes.accept(input));
  const saveOne = (input: SaveTurn) =>
    passing("save", () => pool.write(() => toPassingScript("save", [input])));
  const accepts = new BatchWriter<AcceptTurn, AcceptResult | undefined>({
    writeAll: (inputs) => passingBoth("accept", () => acceptAll(pool, inputs)),
    writeOne: acceptOne,
    keysOf: acceptKeys,
  });
  const saves = new BatchWriter<SaveTurn, boolean>({
    writeAll: (inputs) => passingBoth("save", () => saveAll(pool, inputs)),
    writeOne: async (input) => (await saveAll(pool, [input]))[0] === true,
    keysOf: saveKeys,
  });
  const batched: Partial<Record<keyof Writes, (input: never) => Promise<unknown>>> = {
    accept: async (input: AcceptTurn) => {
      const isUsual = input.parentTurnId === undefined;
      return (isUsual ? await accepts.write(input) : undefined) ?? acceptOne(input);
    },
    save: async (input: SaveTurn) => {
      if (!isUsualSave(input)) await saveOne(input);
      else if (!(await saves.write(input))) throw fenced(input.turnId);
    },
  };
  return {
    reader: {
      call: (name, ...args) => {
        const script = toScript<Reads>(reads, name, args);
        return (AT_ONCE.has(name) ? pool.readAtOnce(script) : pool.read(script)) as Promise<never>;
      },
    },
    writer: {
      call: (name, ...args) => {
        const write = batched[name];
        const result =
          write === undefined
            ? passing(name, () => pool.write(() => toPassingScript(name, args)))
            : write(args[0] as never);
        return result as Promise<never>;
      },
    },
  };
}

/** A write of one statement, which is its own transaction. */
function passingBoth<T>(name: keyof Writes, write: () => Promise<T>): Promise<T> {
  passCommit("before", [{ method: name }]);
  return passing(name, write);
}

/** Makes a write and passes its failpoint behind the commit. */
async function passing<T>(name: keyof Writes, write: () => Promise<T>): Promise<T> {
  const result = await write();
  passCommit("after", [{ method: name }]);
  return result;
}

/** A script that passes its failpoint before the commit, at its end. */
function* toPassingScript(name: keyof Writes, args: readonly unknown[]): Script<unknown> {
  const result = yield* toScript<Writes>(writes, name, args);
  passCommit("before", [{ method: name }]);
  return result;
}

function toScript<All extends Scripts>(scripts: All, name: keyof All, args: readonly unknown[]) {
  return (scripts[name] as Scripts[string])(...args);
}
