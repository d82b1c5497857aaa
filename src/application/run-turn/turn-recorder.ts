import type { Message, MessagePart } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { MessageId } from "#domain/shared/id.ts";
import type { Task } from "#domain/task/task.ts";
import type { FinalTurnState } from "#domain/turn/turn.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";
import type { SaveTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { NowMs } from "../ports/clock.ts";
import type { TurnDispatch } from "../ports/turn-runner.ts";

/** Shows events of a running turn to whoever follows it, in order. */
export type ShowEvents = (dispatch: TurnDispatch, events: readonly NumberedEvent[]) => void;

export interface TurnRecorderDeps {
  readonly dispatch: TurnDispatch;
  readonly turns: Pick<TurnLog, "save">;
  readonly show: ShowEvents;
  readonly nowMs: NowMs;
  /** Whether the turn may be another run's by now: then a store that is away is not waited for. */
  readonly isAbandoned?: () => boolean;
}

/** Deltas that come within this time of the last shown one are shown as one. */
const COALESCE_MS = 15;
const STORE_RETRY_MS = 500;

/**
 * Numbers what a turn brings forth, shows it at once and keeps what is not stored yet. Text goes
 * out in strokes: the first delta at once, those that follow within 15 ms together.
 */
export class TurnRecorder {
  readonly #deps: TurnRecorderDeps;
  #headSeq: number;
  #position: number;
  #unsaved: {
    messages: SaveTurn["messages"][number][];
    tasks: Map<string, Task>;
    events: NumberedEvent[];
  };
  #pending: { messageId: MessageId; delta: string } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `position`: where the next message of this turn goes, the user's being 0. */
  constructor(deps: TurnRecorderDeps, position: number) {
    this.#deps = deps;
    this.#headSeq = deps.dispatch.headSeq;
    this.#position = position;
    this.#unsaved = empty();
  }

  /** The number of the last event. */
  get headSeq(): number {
    return this.#headSeq;
  }

  addEvents(...events: readonly TurnEvent[]): void {
    this.#flushText();
    this.#add(events);
  }

  addText(messageId: MessageId, delta: string): void {
    if (this.#pending !== undefined) {
      this.#pending = { messageId, delta: this.#pending.delta + delta };
      return;
    }
    if (this.#timer !== undefined) {
      this.#pending = { messageId, delta };
      return;
    }
    this.#add([{ kind: "text-delta", messageId, delta }]);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushText();
    }, COALESCE_MS);
  }

  /** Adds a message to the turn. */
  addMessage(
    id: MessageId,
    role: Message["role"],
    parts: readonly MessagePart[],
    isComplete = true,
  ) {
    const { sessionId, turnId } = this.#deps.dispatch;
    const createdAtMs = this.#deps.nowMs();
    const message: Message = { id, sessionId, turnId, role, parts, isComplete, createdAtMs };
    this.#unsaved.messages.push({ position: this.#position, message });
    this.#position += 1;
    return message;
  }

  /** Adds a task, or puts a later state of it in place of the earlier one. */
  addTask(task: Task): void {
    this.#unsaved.tasks.set(task.id, task);
  }

  /** Stores all there is up to now; see `TurnLog.save`. */
  async save(): Promise<void> {
    this.#flushText();
    await this.#store([]);
  }

  /** Stores the end of the turn, then shows it. */
  async end(state: FinalTurnState): Promise<void> {
    this.#flushText();
    clearTimeout(this.#timer);
    const last = { seq: this.#headSeq + 1, event: endEvent(state) };
    await this.#store([last], state);
    this.#headSeq = last.seq;
    this.#deps.show(this.#deps.dispatch, [last]);
  }

  /** Stops the clockwork of a turn that is given up. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#pending = undefined;
  }

  /** Stores what is unsaved, trying again for as long as the store is unavailable. */
  async #store(last: readonly NumberedEvent[], end?: FinalTurnState): Promise<void> {
    const { turns, nowMs, isAbandoned } = this.#deps;
    const { turnId, sessionId, epoch } = this.#deps.dispatch;
    const { messages, tasks, events } = this.#unsaved;
    this.#unsaved = empty();
    const unsaved = {
      turnId,
      sessionId,
      epoch,
      messages,
      tasks: [...tasks.values()],
      events: [...events, ...last],
      ...(end === undefined ? {} : { end }),
    };
    for (;;) {
      try {
        await turns.save({ ...unsaved, nowMs: nowMs() });
        return;
      } catch (error) {
        if (!(error instanceof Fault && error.code === "STORE_UNAVAILABLE")) throw error;
        if (isAbandoned?.()) {
          throw new Fault("TURN_FENCED", `Turn "${turnId}" was given up`, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS));
      }
    }
  }

  #add(events: readonly TurnEvent[]): void {
    if (events.length === 0) return;
    const numbered = events.map((event, index) => ({ seq: this.#headSeq + 1 + index, event }));
    this.#headSeq += events.length;
    this.#unsaved.events.push(...numbered);
    this.#deps.show(this.#deps.dispatch, numbered);
  }

  #flushText(): void {
    if (this.#pending === undefined) return;
    const { messageId, delta } = this.#pending;
    this.#pending = undefined;
    this.#add([{ kind: "text-delta", messageId, delta }]);
  }
}

function empty() {
  return { messages: [], tasks: new Map<string, Task>(), events: [] };
}

function endEvent(state: FinalTurnState): TurnEvent {
  switch (state.kind) {
    case "completed":
      return { kind: "turn-completed" };
    case "cancelled":
      return { kind: "turn-cancelled" };
    case "failed":
      return { kind: "turn-failed", failure: state.failure };
    default:
      return state satisfies never;
  }
}
