import { Argument, type Command, Option } from "commander";
import { isUserName, ROLES } from "#domain/user/user.ts";
import { type AccountsDeps, type UserRow, useAccounts } from "./accounts.ts";
import { UsageError } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

/** Adds `user`: who may use this Nexflow. */
export function addUserCommand(program: Command, deps: AccountsDeps): void {
  const user = program.command("user").description("who may use this Nexflow, and as what");

  user
    .command("list")
    .description("list all users")
    .action(async (_options: unknown, command: Command) => {
      const users = await useAccounts(deps, (accounts) => accounts.listUsers());
      print(isJson(command), { users }, () => toText(users));
    });
  user
    .command("add")
    .description("add a user; what they sign in with comes from: nexflow token add <user>")
    .argument("<name>", "what they are called")
    .addOption(new Option("--role <role>", "what they may do").choices(ROLES).default("member"))
    .action(async (name: string, { role }: { role: string }, command: Command) => {
      if (!isUserName(name)) {
        const expected = "1 to 80 characters without control characters or space around them";
        throw new UsageError(`Cannot call a user ${JSON.stringify(name)}: expected ${expected}`);
      }
      const added = await useAccounts(deps, (accounts) => accounts.addUser({ name, role }));
      print(isJson(command), { user: added }, () => `Added ${toLine(added)}`);
    });
  user
    .command("role")
    .description("change what a user may do, at once")
    .argument("<user>", "their id, as user list shows it")
    .addArgument(new Argument("<role>", "the new role").choices(ROLES))
    .action(async (userId: string, role: string, _options: unknown, command: Command) => {
      const changed = await useAccounts(deps, (accounts) => accounts.changeRole(userId, role));
      print(isJson(command), { user: changed }, () => `Changed ${toLine(changed)}`);
    });
  user
    .command("remove")
    .description("remove a user with all that is theirs: conversations, tokens, what skills keep")
    .argument("<user>", "their id, as user list shows it")
    .action(async (userId: string, _options: unknown, command: Command) => {
      await useAccounts(deps, (accounts) => accounts.removeUser(userId));
      print(isJson(command), { removed: userId }, () => `Removed ${toPlainText(userId)}`);
    });
}

function toText(users: readonly UserRow[]): string {
  const rows = users.map(({ id, role, name, createdAtMs }) => [
    id,
    role,
    new Date(createdAtMs).toISOString().slice(0, 10),
    toPlainText(name),
  ]);
  return toTable([["USER", "ROLE", "SINCE", "NAME"], ...rows]);
}

function toLine({ id, name, role }: UserRow): string {
  return `${toPlainText(name)}: ${role}, user ${id}`;
}
