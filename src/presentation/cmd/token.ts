import { type Command, InvalidArgumentError } from "commander";
import { SCOPES } from "#domain/user/scope.ts";
import { type AccountsDeps, type NewToken, type TokenRow, useAccounts } from "./accounts.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

interface AddOptions {
  readonly label: string;
  readonly scopes?: readonly string[];
  readonly days?: number;
}

const DAY_MS = 86_400_000;
const DAYS_MOST = 3_650;

/** Adds `token`: what users sign in with. */
export function addTokenCommand(program: Command, deps: AccountsDeps): void {
  const token = program.command("token").description("what users sign in with");

  token
    .command("list")
    .description("list a user's tokens, login links and browser sessions")
    .argument("<user>", "their id, as user list shows it")
    .action(async (userId: string, _options: unknown, command: Command) => {
      const tokens = await useAccounts(deps, (accounts) => accounts.listTokens(userId));
      print(isJson(command), { tokens }, () => toText(tokens));
    });
  token
    .command("add")
    .description("make a token for a user and show it, this once")
    .argument("<user>", "their id, as user list shows it")
    .option("--label <text>", "what it is for, as: laptop", "made by command")
    .option("--scopes <scopes>", `what it may do, of ${SCOPES.join(",")}; all by default`, toScopes)
    .option("--days <n>", "how long it is good; for ever by default", toDays)
    .action(async (userId: string, options: AddOptions, command: Command) => {
      const added = await useAccounts(deps, (accounts) =>
        accounts.addToken(userId, toNewToken(options)),
      );
      print(isJson(command), { token: added }, () => added.secret);
    });
  token
    .command("revoke")
    .description("revoke one: within a second nothing is open by it any more")
    .argument("<user>", "their id, as user list shows it")
    .argument("<token>", "its id, as token list shows it")
    .action(async (userId: string, tokenId: string, _options: unknown, command: Command) => {
      await useAccounts(deps, (accounts) => accounts.revokeToken(userId, tokenId));
      print(isJson(command), { revoked: tokenId }, () => `Revoked ${toPlainText(tokenId)}`);
    });
}

function toNewToken({ label, scopes, days }: AddOptions): NewToken {
  return {
    label,
    ...(scopes === undefined ? {} : { scopes }),
    ...(days === undefined ? {} : { expiresAtMs: Date.now() + days * DAY_MS }),
  };
}

function toScopes(raw: string): readonly string[] {
  const scopes = [...new Set(raw.split(",").map((each) => each.trim()))];
  const unknown = scopes.find((each) => !SCOPES.some((scope) => scope === each));
  if (unknown === undefined) return scopes;
  throw new InvalidArgumentError(`"${unknown}" is none of ${SCOPES.join(", ")}`);
}

function toDays(raw: string): number {
  const days = Number(raw);
  if (Number.isInteger(days) && days >= 1 && days <= DAYS_MOST) return days;
  throw new InvalidArgumentError(`expected an integer from 1 to ${DAYS_MOST}`);
}

function toText(tokens: readonly TokenRow[]): string {
  const day = (ms: number | undefined) =>
    ms === undefined ? "never" : new Date(ms).toISOString().slice(0, 10);
  const rows = tokens.map(({ id, kind, label, scopes, expiresAtMs, lastUsedAtMs }) => [
    id,
    kind,
    day(expiresAtMs),
    day(lastUsedAtMs),
    toPlainText(label),
    scopes.length === SCOPES.length ? "all" : scopes.join(","),
  ]);
  return toTable([["TOKEN", "KIND", "EXPIRES", "LAST USED", "LABEL", "SCOPES"], ...rows]);
}
