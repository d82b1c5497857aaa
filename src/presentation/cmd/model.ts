import type { Command } from "commander";
import type { ModelOverview } from "#application/ports/model-overview.ts";
import type { ModelTest, PullProgress } from "#application/ports/model-trials.ts";
import { CommandError } from "./command-error.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

export interface ModelDeps {
  readonly list: () => Promise<ModelOverview>;
  /** One tiny call of a model, or of the default one. */
  readonly test: (name: string | undefined) => Promise<ModelTest>;
  /** Rejects, and changes nothing, where it cannot be used. */
  readonly setDefault: (name: string) => Promise<void>;
  /** What the environment says over the file, where it does. */
  readonly modelInForce: () => string | undefined;
  /** Over a running server; `undefined`: the default model again. */
  readonly setOfSession: (sessionId: string, name: string | undefined) => Promise<void>;
  readonly pull: (name: string, signal: AbortSignal) => AsyncIterable<PullProgress>;
}

/** Adds `model`: which models there are, whether they answer, and which one does. */
export function addModelCommand(program: Command, deps: ModelDeps): void {
  const model = program.command("model").description("the models that answer");

  model
    .command("list")
    .description("list providers, aliases and models, with prices and sizes")
    .action(async (_options: unknown, command: Command) => {
      const overview = await deps.list();
      print(isJson(command), overview, () => toText(overview));
    });
  model
    .command("test")
    .description("ask a model for a word: does it answer, and how fast")
    .argument("[model]", "a model or an alias; the default one where it is left out")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const report = await deps.test(name);
      print(isJson(command), report, () => toTestText(report));
      if (report.kind === "failed") process.exitCode = 1;
    });
  model
    .command("use")
    .description("have a model answer by default, or in one session")
    .argument("<model>", 'a model or an alias; with --session also "default"')
    .option("--session <id>", "in this session of yours only, over the running server")
    .action(async (name: string, { session }: { session?: string }, command: Command) => {
      if (session === undefined) await deps.setDefault(name);
      else await deps.setOfSession(session, name === "default" ? undefined : name);
      const over = session === undefined ? deps.modelInForce() : undefined;
      print(isJson(command), { model: name, session, overriddenBy: over }, () => {
        const where = session === undefined ? "by default" : `in session ${session}`;
        const note = over === undefined ? "" : `, but for now NEXFLOW_MODEL says ${over}`;
        return toPlainText(`${name} answers ${where}${note}`);
      });
    });
  model
    .command("pull")
    .description("have the ollama server fetch a model")
    .argument("<model>", "as ollama calls it, with or without ollama/ before it")
    .action(async (name: string, _options: unknown, command: Command) => {
      await pull(deps, name.replace(/^ollama\//u, ""), isJson(command));
    });
}

async function pull(deps: ModelDeps, name: string, asJson: boolean): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  let last = "";
  for await (const progress of deps.pull(name, stop.signal)) {
    const text = toProgress(progress);
    if (text === last) continue;
    last = text;
    print(asJson, progress, () => text);
  }
  if (stop.signal.aborted) throw new CommandError("stopped", `Stopped pulling "${name}"`);
  print(asJson, { pulled: `ollama/${name}` }, () => toPlainText(`ollama/${name} is there`));
}

/** In whole percent: a line for each of many millions of bytes helps nobody. */
function toProgress({ status, totalBytes, doneBytes }: PullProgress): string {
  const part = toPlainText(status);
  if (totalBytes === undefined || totalBytes === 0) return part;
  return `${part}: ${Math.floor((100 * (doneBytes ?? 0)) / totalBytes)}%`;
}

function toText(overview: ModelOverview): string {
  const {
    default: { name, model },
    providers,
    aliases,
    models,
    allow,
    pricesAsOf,
  } = overview;
  const keys = providers.map((each) => [each.name, toKeyText(each)]);
  const rows = models.map((each) => [
    each.name,
    each.isUsable ? "" : "not usable",
    toPriceText(each.price),
    each.contextTokens === undefined ? "" : `${each.contextTokens} tokens`,
    each.fallbacks.length === 0 ? "" : `else ${each.fallbacks.join(", ")}`,
  ]);
  return [
    `Default: ${name}${name === model ? "" : ` (${model})`}`,
    `Providers:\n${toTable(keys)}`,
    ...(aliases.length === 0
      ? []
      : [`Aliases:\n${toTable(aliases.map((alias) => [alias.name, alias.model]))}`]),
    `Models:\n${toTable(rows)}`,
    ...(allow === undefined
      ? []
      : [`People may choose: ${allow.join(", ") || "none but the default"}`]),
    `Prices are US dollars for a million tokens read / written. Those built in are of ${pricesAsOf} and may be out of date: models.yaml says others.`,
  ]
    .map(toPlainText)
    .join("\n\n");
}

function toKeyText({ keys, isUsable }: ModelOverview["providers"][number]): string {
  if (keys > 0) return keys === 1 ? "a key is there" : `${keys} keys are there`;
  return isUsable ? "needs no key" : "no key";
}

function toPriceText(price: ModelOverview["models"][number]["price"]): string {
  if (price === undefined) return "no price known";
  return price.input === 0 && price.output === 0 ? "free" : `$${price.input} / $${price.output}`;
}

function toTestText(report: ModelTest): string {
  const { model, totalMs } = report;
  if (report.kind === "failed") return toPlainText(`Failed: ${report.failure.message}`);
  const { text, firstTokenMs, inputTokens, outputTokens } = report;
  const took = `first word after ${firstTokenMs} ms, all of it after ${totalMs} ms`;
  const tokens = `${inputTokens} tokens read, ${outputTokens} written`;
  return toPlainText(`${model} answers: ${took}; ${tokens}: ${JSON.stringify(text)}`);
}
