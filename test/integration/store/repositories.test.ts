import { parseUserId } from "#domain/shared/id.ts";
import {
  createApprovalRepository,
  createAuditLog,
  createSkillRepository,
  createTaskRepository,
} from "#infrastructure/store/repositories.ts";
import { describeApprovalRepository } from "../../contract/approvals.ts";
import { describeAuditLog } from "../../contract/audit.ts";
import { describeSkillRepository } from "../../contract/skills.ts";
import { describeTaskRepository } from "../../contract/tasks.ts";
import { repositoriesOf, STORES, type TestStore } from "../../support/open-test-store.ts";

for (const [name, open] of STORES) {
  const openWith = async <T>(make: (opened: TestStore) => T) => {
    const opened = await open();
    for (const id of ["alice", "bob", "admin", "bobby"].map(parseUserId)) {
      await repositoriesOf(opened).users.add({ id, name: id, role: "member", createdAtMs: 1 });
    }
    return { ...make(opened), [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  };

  describeSkillRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      skills: createSkillRepository(reader, writer),
    })),
  );
  describeApprovalRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      approvals: createApprovalRepository(reader, writer),
    })),
  );
  describeTaskRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({ tasks: createTaskRepository(reader, writer) })),
  );
  describeAuditLog(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      audit: createAuditLog(reader, writer),
      erase: async (userId) => {
        await writer.call("eraseAudit", userId);
      },
    })),
  );
}
