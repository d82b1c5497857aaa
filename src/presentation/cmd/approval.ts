import { type Command, InvalidArgumentError } from "commander";
import type { JsonValue } from "#domain/shared/json.ts";
import { type ApprovalAccess, type AskedScope, createApprovalAccess } from "./approval-access.ts";
import { toApprovalTable, toCardText } from "./approval-text.ts";
import type { ShownCard } from "./chat-protocol.ts";
import { CommandError } from "./command-error.ts";
import { UsageError } from "./exit-code.ts";
import { isJson, print } from "./output.ts";

export interface ApprovalDeps {
  readonly url: () => string;
  readonly configuredToken: () => string | undefined;
  /** A token for the server of the local data directory, where there is one. */
  mintToken(): Promise<string | undefined>;
}

interface GrantOptions {
  readonly session?: true;
  readonly fixed?: readonly string[];
  readonly uses?: number;
  readonly minutes?: number;
  readonly hash?: string;
}

const USES = 10;
const MINUTES = 60;

/** Adds `approval`: calls of tools that wait for somebody, and what was granted. */
export function addApprovalCommand(program: Command, deps: ApprovalDeps): void {
  const approval = program
    .command("approval")
    .description("calls of tools that wait for your word, over a running server");

  approval
    .command("list")
    .description("list what waits for you; with --all what was decided too")
    .option("--all", "decided, expired and revoked ones too")
    .option("--session <id>", "of one conversation")
    .action(async (options: { all?: true; session?: string }, command: Command) => {
      const access = await open(deps);
      const { all, session: sessionId } = options;
      const approvals = await access.list({
        ...(all ? {} : { state: "pending" }),
        ...(sessionId === undefined ? {} : { sessionId }),
      });
      print(isJson(command), { approvals }, () => toApprovalTable(approvals));
    });
  approval
    .command("show")
    .description("show what would be called, with what, and what it may reach")
    .argument("<id>", "its id, as approval list shows it")
    .action(async (id: string, _options: unknown, command: Command) => {
      const found = await (await open(deps)).find(id);
      const text = () => `${toCardText(found.card, Date.now())}\n  state     ${found.state}`;
      print(isJson(command), { approval: found }, text);
    });
  approval
    .command("grant")
    .description("let the call be made: once, unless told otherwise")
    .argument("<id>", "its id, as approval list shows it")
    .option("--session", "and every call like it in this conversation")
    .option(
      "--fixed <names>",
      "and calls with the same values of these arguments, as: to,subject",
      toNames,
    )
    .option("--uses <n>", `how many calls --fixed allows (${USES})`, toCount)
    .option("--minutes <n>", `for how long (${MINUTES})`, toCount)
    .option("--hash <hash>", "refuse unless the arguments have this hash, as show --json tells")
    .action(async (id: string, options: GrantOptions, command: Command) => {
      const access = await open(deps);
      const card = await findCard(access, id, options.hash);
      const granted = await access.grant(id, card.inputHash, toScope(options, card));
      print(isJson(command), { approval: granted }, () => `Granted ${card.tool}`);
    });
  approval
    .command("deny")
    .description("have the call not be made")
    .argument("<id>", "its id, as approval list shows it")
    .option("--reason <text>", "why; the model is told")
    .action(async (id: string, { reason }: { reason?: string }, command: Command) => {
      const access = await open(deps);
      const card = await findCard(access, id, undefined);
      const denied = await access.deny(id, card.inputHash, reason);
      print(isJson(command), { approval: denied }, () => `Denied ${card.tool}`);
    });
  approval
    .command("revoke")
    .description("take back what was granted: nothing more is called on the strength of it")
    .argument("<id>", "its id, as approval list --all shows it")
    .action(async (id: string, _options: unknown, command: Command) => {
      const revoked = await (await open(deps)).revoke(id);
      print(isJson(command), { approval: revoked }, () => `Revoked ${revoked.card.tool}`);
    });
}

async function open(deps: ApprovalDeps): Promise<ApprovalAccess> {
  const token = deps.configuredToken() ?? (await deps.mintToken());
  if (token !== undefined) return createApprovalAccess(deps.url(), token);
  throw new CommandError("unauthorized", "Cannot log in without a token: set NEXFLOW_TOKEN");
}

async function findCard(
  access: ApprovalAccess,
  id: string,
  hash: string | undefined,
): Promise<ShownCard> {
  const { card } = await access.find(id);
  if (hash === undefined || hash === card.inputHash) return card;
  throw new CommandError("approval-mismatch", "Cannot decide: the arguments have another hash");
}

function toScope({ session, fixed, uses, minutes }: GrantOptions, card: ShownCard): AskedScope {
  if (fixed === undefined) {
    if (uses !== undefined || minutes !== undefined) {
      throw new UsageError("--uses and --minutes go with --fixed");
    }
    return { kind: session ? "session" : "once" };
  }
  if (session) throw new UsageError("--session and --fixed do not go together");
  const values = fixed.map((name) => [name, valueOf(card.input, name)] as const);
  return {
    kind: "pattern",
    fixed: Object.fromEntries(values),
    uses: uses ?? USES,
    minutes: minutes ?? MINUTES,
  };
}

function valueOf(input: JsonValue, name: string): JsonValue {
  const given = typeof input === "object" && input !== null ? Object.entries(input) : [];
  const found = new Map<string, JsonValue>(given).get(name);
  if (found !== undefined) return found;
  const names = given.map(([each]) => each).join(", ") || "none";
  throw new UsageError(`Cannot fix argument "${name}": expected one of ${names}`);
}

function toNames(raw: string): readonly string[] {
  return raw.split(",").map((name) => name.trim());
}

function toCount(raw: string): number {
  const count = Number(raw);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("expected an integer from 1");
}
