import { openStore, type Store } from "#infrastructure/store/open-store.ts";
import {
  createBrakeRepository,
  createCompactionRepository,
  createCredentialRepository,
  createFiringLog,
  createHousekeeping,
  createInstanceRegistry,
  createNoteRepository,
  createPinRepository,
  createScheduleRepository,
  createSessionRepository,
  createSpendRepository,
  createTurnControls,
  createTurnLog,
  createTurnReader,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";
import { openTestDatabase } from "./postgres.ts";
import { openTempDir } from "./temp-dir.ts";

/** A store in a place of its own, which goes with it. */
export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly homeDir: string;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<void>;
  /** Closes the store; its data stays until disposal. */
  close(): Promise<void>;
}

/** Names and openers of the stores there are, for contract suites. */
export const STORES = [
  ["on SQLite", openSqliteTestStore],
  ["on Postgres", openPostgresTestStore],
] as const;

export function openSqliteTestStore(): Promise<TestStore> {
  return open();
}

async function openPostgresTestStore(): Promise<TestStore> {
  const database = await openTestDatabase("migrated");
  return open(database);
}

/** All repositories of a store as it is open now. */
export function repositoriesOf({ store: { reader, writer } }: TestStore) {
  return {
    turns: createTurnLog(writer),
    instances: createInstanceRegistry(reader, writer),
    sessions: createSessionRepository(reader, writer),
    users: createUserRepository(reader, writer),
    credentials: createCredentialRepository(reader, writer),
    turnReader: createTurnReader(reader),
    schedules: createScheduleRepository(reader, writer),
    firings: createFiringLog(reader, writer),
    housekeeping: createHousekeeping(writer),
    spend: createSpendRepository(reader, writer),
    controls: createTurnControls(reader),
    brake: createBrakeRepository(reader, writer),
    compactions: createCompactionRepository(reader, writer),
    pins: createPinRepository(reader, writer),
    notes: createNoteRepository(reader, writer),
  };
}

async function open(database?: AsyncDisposable & { readonly url: string }): Promise<TestStore> {
  const dir = await openTempDir();
  let store = await openStore(dir.path, database?.url);
  return {
    get store() {
      return store;
    },
    homeDir: dir.path,
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await openStore(dir.path, database?.url);
    },
    close: async () => {
      await store[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}
