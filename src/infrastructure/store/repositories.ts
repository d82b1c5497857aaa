import type { NewId, NowMs } from "#application/ports/clock.ts";
import type { ContextStore } from "#application/ports/context-store.ts";
import type { Housekeeping } from "#application/ports/housekeeping.ts";
import type { IdempotencyKeys } from "#application/ports/idempotency-keys.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import type { AuditLog } from "#domain/audit/audit-log.ts";
import type { BrakeRepository } from "#domain/brake/brake.ts";
import type { CompactionRepository, PinRepository } from "#domain/compaction/compaction.ts";
import type { InstanceRegistry } from "#domain/instance/instance-registry.ts";
import type { NoteRepository } from "#domain/memory/note.ts";
import type { FiringLog } from "#domain/schedule/firing-log.ts";
import type { ScheduleRepository } from "#domain/schedule/schedule-repository.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import type { SkillRepository } from "#domain/skill/skill-repository.ts";
import type { SpendRepository } from "#domain/spend/spend-repository.ts";
import type { BackgroundTasks } from "#domain/task/background-tasks.ts";
import type { TaskRepository } from "#domain/task/task-repository.ts";
import type { TranscriptRepository } from "#domain/transcript/transcript-repository.ts";
import type { TurnControls } from "#domain/turn/turn-controls.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { TurnReader } from "#domain/turn/turn-reader.ts";
import type { CredentialRepository } from "#domain/user/credential-repository.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";
import type { Reads } from "./reads.ts";
import type { ScriptCaller } from "./script.ts";
import type { Writes } from "./writes.ts";

export type ReadCaller = ScriptCaller<Reads>;
export type WriteCaller = ScriptCaller<Writes>;

export function createTurnLog(writer: WriteCaller): TurnLog {
  return {
    accept: (input) => writer.call("accept", input),
    claim: (input) => writer.call("claim", input),
    save: (input) => writer.call("save", input),
    recover: (input) => writer.call("recover", input),
    cancel: (turnId) => writer.call("cancelTurn", turnId),
    importTurn: (input) => writer.call("importTurn", input),
  };
}

export function createTurnControls(reader: ReadCaller): TurnControls {
  return { read: (turn) => reader.call("readControls", turn) };
}

export function createSpendRepository(reader: ReadCaller, writer: WriteCaller): SpendRepository {
  return {
    read: (input) => reader.call("readSpend", input),
    reserve: (input) => writer.call("reserveModelCall", input),
    listModelCalls: (turnId) => reader.call("listModelCalls", turnId),
  };
}

export function createBrakeRepository(reader: ReadCaller, writer: WriteCaller): BrakeRepository {
  return {
    find: () => reader.call("findBrake"),
    engage: (brake) => writer.call("engageBrake", brake),
    release: (input) => writer.call("releaseBrake", input),
  };
}

export function createCompactionRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): CompactionRepository {
  return {
    find: (compactionId) => reader.call("findCompaction", compactionId),
    list: (sessionId) => reader.call("listCompactions", sessionId),
    add: (compaction) => writer.call("addCompaction", compaction),
    undo: (input) => writer.call("undoCompaction", input),
  };
}

export function createContextStore(reader: ReadCaller, writer: WriteCaller): ContextStore {
  return {
    read: ({ sessionId, userId }) => reader.call("readContext", { sessionId, userId }),
    readMessages: (sessionId, turnId, limit) =>
      reader.call("listHistory", sessionId, turnId, limit),
    addCompaction: (compaction) => writer.call("addCompaction", compaction),
  };
}

export function createPinRepository(reader: ReadCaller, writer: WriteCaller): PinRepository {
  return {
    list: (sessionId) => reader.call("listPins", sessionId),
    pin: (input) => writer.call("pinMessage", input),
    unpin: (input) => writer.call("unpinMessage", input),
  };
}

export function createNoteRepository(reader: ReadCaller, writer: WriteCaller): NoteRepository {
  return {
    list: (userId) => reader.call("listNotes", userId),
    add: (note) => writer.call("addNote", note),
    remove: (input) => writer.call("removeNote", input),
  };
}

export function createTranscriptRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): TranscriptRepository {
  return {
    find: (key) => reader.call("findTranscript", key),
    remember: (key, place) => writer.call("saveTranscript", key, place),
  };
}

export function createScheduleRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): ScheduleRepository {
  return {
    find: (scheduleId) => reader.call("findSchedule", scheduleId),
    list: (input) => reader.call("listSchedules", input),
    count: (userId) => reader.call("countSchedules", userId),
    add: (schedule) => writer.call("addSchedule", schedule),
    change: (input) => writer.call("changeSchedule", input),
    remove: (scheduleId) => writer.call("removeSchedule", scheduleId),
  };
}

export function createFiringLog(reader: ReadCaller, writer: WriteCaller): FiringLog {
  return {
    async fireDue(input) {
      // Mostly nothing is due, and a read costs the writer nothing.
      const nextAtMs = await reader.call("findNextScheduleTime");
      const isDue = nextAtMs !== undefined && nextAtMs <= input.nowMs;
      return isDue ? writer.call("fireDue", input) : { fired: [], leftOut: [], nextAtMs };
    },
    fireNow: (input) => writer.call("fireNow", input),
    find: (key) => reader.call("findFiring", key),
    list: (scheduleId, limit) => reader.call("listFirings", scheduleId, limit),
    beginCall: (input) => writer.call("beginCall", input),
    withdrawCall: (input) => writer.call("withdrawCall", input),
    end: (input) => writer.call("endFiring", input),
  };
}

export function createHousekeeping(writer: WriteCaller): Housekeeping {
  return {
    trimEvents: (input) => writer.call("trimEvents", input),
    deleteOldFirings: (input) => writer.call("deleteOldFirings", input),
    deleteOldSpend: (input) => writer.call("deleteOldSpend", input),
  };
}

export function createInstanceRegistry(reader: ReadCaller, writer: WriteCaller): InstanceRegistry {
  return {
    join: (input) => writer.call("joinInstance", input),
    renew: (input) => writer.call("renewInstance", input),
    listRunning: (instanceId) => reader.call("listRunning", instanceId),
    leave: (instanceId) => writer.call("leaveInstance", instanceId),
  };
}

export function createSessionRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): SessionRepository {
  return {
    find: (sessionId) => reader.call("findSession", sessionId),
    list: (input) => reader.call("listSessions", input),
    listMessages: (input) => reader.call("listMessages", input),
    listTurns: (messages) => {
      const ids = messages.map(({ turnId }) => ({ turnId }));
      return reader.call("listTurns", ids);
    },
    readConversation: (input) => reader.call("readConversation", input),
    listHeads: (sessionIds) => reader.call("listHeads", sessionIds),
    readEvents: (input) => reader.call("readEvents", input),
    setModel: (sessionId, model) => writer.call("setSessionModel", sessionId, model),
    useBranch: (input) => writer.call("useBranch", input),
    listBranches: (sessionId) => reader.call("listBranches", sessionId),
    delete: (sessionId) => writer.call("deleteSession", sessionId),
  };
}

export function createUserRepository(reader: ReadCaller, writer: WriteCaller): UserRepository {
  return {
    find: (userId) => reader.call("findUser", userId),
    list: (input) => reader.call("listUsers", input),
    add: (user) => writer.call("addUser", user),
    change: (input, event) => writer.call("changeUser", input, event),
    remove: (userId, event) => writer.call("removeUser", userId, event),
  };
}

export function createTaskRepository(reader: ReadCaller, writer: WriteCaller): TaskRepository {
  return {
    find: (taskId) => reader.call("findTask", taskId),
    list: (input) => reader.call("listTasks", input),
    listOfTurn: (turnId) => reader.call("listTasksOfTurn", turnId),
    add: (task) => writer.call("addTask", task),
    save: (task, from) => writer.call("saveTask", task, from),
  };
}

export function createBackgroundTasks(writer: WriteCaller): BackgroundTasks {
  return {
    end: (task, taint) => writer.call("endBackground", task, taint),
    interrupt: (turnId, nowMs) => writer.call("interruptTasksOf", turnId, nowMs),
  };
}

export function createSkillRepository(reader: ReadCaller, writer: WriteCaller): SkillRepository {
  return {
    find: (name) => reader.call("findInstalledSkill", name),
    list: (state) => reader.call("listInstalledSkills", state),
    add: (skill) => writer.call("addInstalledSkill", skill),
    save: (skill) => writer.call("saveInstalledSkill", skill),
    remove: (name) => writer.call("removeInstalledSkill", name),
  };
}

export function createApprovalRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): ApprovalRepository {
  return {
    find: (approvalId) => reader.call("findApproval", approvalId),
    listPending: (input) => reader.call("listPendingApprovals", input),
    countPending: () => reader.call("countPendingApprovals"),
    listGrants: (input) => reader.call("listGrants", input),
    listOfTurn: (turnId) => reader.call("listApprovalsOfTurn", turnId),
    list: (input) => reader.call("listApprovals", input),
    add: (approval) => writer.call("addApproval", approval),
    save: (approval) => writer.call("saveApproval", approval),
    resolve: (approval, event) => writer.call("resolveApproval", approval, event),
  };
}

export function createAuditLog(reader: ReadCaller, writer: WriteCaller): AuditLog {
  return {
    append: (events) => writer.call("appendAudit", events),
    list: (input) => reader.call("listAudit", input),
    read: (seq, limit) => reader.call("readAudit", seq, limit),
    head: () => reader.call("findAuditHead"),
  };
}

export function createCredentialRepository(
  reader: ReadCaller,
  writer: WriteCaller,
): CredentialRepository {
  return {
    findPrincipal: (input) => reader.call("findPrincipal", input),
    listPrincipals: (input) => reader.call("listPrincipals", input),
    list: (input) => reader.call("listCredentials", input),
    hasToken: () => reader.call("hasToken"),
    add: (credential, event) => writer.call("addCredential", credential, event),
    removeByHash: (input) => writer.call("removeByHash", input),
    removeToken: (input) => writer.call("removeToken", input),
    replaceToken: (input, event) => writer.call("replaceToken", input, event),
    touch: (input) => writer.call("touchCredentials", input),
  };
}

export function createIdempotencyKeys(
  writer: WriteCaller,
  { newId, nowMs }: { readonly newId: NewId; readonly nowMs: NowMs },
): IdempotencyKeys {
  return {
    begin: (request) => writer.call("beginKey", { ...request, workId: newId(), nowMs: nowMs() }),
    finish: (request, answer) => writer.call("finishKey", request, answer),
    release: (request) => writer.call("releaseKey", request),
  };
}

export function createTurnReader(reader: ReadCaller): TurnReader {
  return {
    find: (turnId) => reader.call("findTurn", turnId),
    list: (input) => reader.call("listTurnsOfSession", input),
    findParent: (turn) => reader.call("findParent", turn),
    listMessages: (turn) => reader.call("listTurnMessages", turn),
  };
}
