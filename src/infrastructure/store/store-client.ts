import type { MessagePort } from "node:worker_threads";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";
import type { SqliteReader } from "./sqlite/sqlite-reader.ts";
import type { SqliteWriter } from "./sqlite/sqlite-writer.ts";
import type { StoreReply, StoreRequest } from "./store-protocol.ts";

/** One end of a conversation with the store thread. */
export class StoreClient<Target extends SqliteReader | SqliteWriter> {
  readonly #port: MessagePort;
  readonly #target: StoreRequest["target"];
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #batch: StoreRequest[] = [];
  #lastId = 0;
  #isClosed = false;

  constructor(port: MessagePort, target: StoreRequest["target"]) {
    this.#port = port;
    this.#target = target;
    port.on("message", (replies: StoreReply[]) => {
      for (const reply of replies) this.#settle(reply);
    });
    port.on("close", () => this.#fail());
  }

  /** Calls a method in the thread; all calls of one turn of the event loop travel together. */
  call<Method extends MethodOf<Target>>(
    method: Method,
    ...args: ArgsOf<Target, Method>
  ): Promise<ResultOf<Target, Method>> {
    if (this.#isClosed) return Promise.reject(closed());
    const id = ++this.#lastId;
    if (this.#batch.length === 0) queueMicrotask(() => this.#send());
    this.#batch.push({ id, target: this.#target, method, args });
    const reply = Promise.withResolvers<unknown>();
    this.#waiting.set(id, reply);
    return reply.promise as Promise<ResultOf<Target, Method>>;
  }

  close(): void {
    this.#port.close();
    this.#fail();
  }

  #send(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (!this.#isClosed) this.#port.postMessage(batch);
  }

  #settle(reply: StoreReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === "done") waiting?.resolve(reply.value);
    else waiting?.reject(new Fault(reply.failure.code as FaultCode, reply.failure.message));
  }

  #fail(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(closed());
    this.#waiting.clear();
  }
}

type MethodOf<Target> = {
  [Key in keyof Target]: Target[Key] extends (...args: never[]) => unknown ? Key : never;
}[keyof Target] &
  string;
type ArgsOf<Target, Method extends keyof Target> = Target[Method] extends (
  ...args: infer Args
) => unknown
  ? Args
  : never;
type ResultOf<Target, Method extends keyof Target> = Target[Method] extends (
  ...args: never[]
) => infer Result
  ? Result
  : never;

export type WriteClient = StoreClient<SqliteWriter>;
export type ReadClient = StoreClient<SqliteReader>;

/** The turn log in the store thread. */
export function createTurnLog(writer: WriteClient): TurnLog {
  return {
    accept: (input) => writer.call("accept", input),
    begin: (input) => writer.call("begin", input),
    save: (input) => writer.call("save", input),
    recover: (input) => writer.call("recover", input),
  };
}

/** The sessions in the store thread. */
export function createSessionRepository(
  reader: ReadClient,
  writer: WriteClient,
): SessionRepository {
  return {
    find: (sessionId) => reader.call("findSession", sessionId),
    list: (input) => reader.call("listSessions", input),
    listMessages: (input) => reader.call("listMessages", input),
    listTurns: (messages) =>
      reader.call(
        "listTurns",
        messages.map(({ turnId }) => ({ turnId })),
      ),
    readEvents: (input) => reader.call("readEvents", input),
    delete: (sessionId) => writer.call("deleteSession", sessionId),
  };
}

/** Users and credentials in the store thread. */
export function createUserRepository(reader: ReadClient, writer: WriteClient): UserRepository {
  return {
    find: (userId) => reader.call("findUser", userId),
    findByCredential: (input) => reader.call("findByCredential", input),
    hasToken: () => reader.call("hasToken"),
    addUser: (user) => writer.call("addUser", user),
    addCredential: (credential) => writer.call("addCredential", credential),
    removeCredential: (hash) => writer.call("removeCredential", hash),
    replaceToken: (input) => writer.call("replaceToken", input),
  };
}

/** Finds a turn by its id. */
export function createFindTurn(reader: ReadClient): (id: TurnId) => Promise<Turn | undefined> {
  return (id) => reader.call("findTurn", id);
}

function closed(): Fault {
  return new Fault("STORE_UNAVAILABLE", "Cannot use the store: it is closed");
}
