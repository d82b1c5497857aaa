import { createReadTimeline } from "#application/read-timeline/read-timeline.ts";
import { parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { openLocalStore, type StoreAddress } from "#infrastructure/store/local-store.ts";
import {
  createApprovalRepository,
  createSpendRepository,
  createTaskRepository,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import type { TimelineRequest } from "#presentation/cmd/turn.ts";
import { toTimeline } from "#presentation/gateway/to-timeline.ts";

/** The timeline of a turn, read from the store itself; nothing where there is none of that id. */
export async function readLocalTimeline(
  address: StoreAddress,
  { turnId, userId }: TimelineRequest,
) {
  const store = await openLocalStore(address);
  if (store === undefined) return undefined;
  try {
    const { reader, writer } = store;
    const readTimeline = createReadTimeline({
      turns: createTurnReader(reader),
      spend: createSpendRepository(reader, writer),
      tasks: createTaskRepository(reader, writer),
      approvals: createApprovalRepository(reader, writer),
    });
    const timeline = await readTimeline({
      turnId: parseTurnId(turnId),
      userId: userId === undefined ? undefined : parseUserId(userId),
    });
    return timeline && toTimeline(timeline);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
