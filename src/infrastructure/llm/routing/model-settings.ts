import { z } from "zod";
import {
  customNameOf,
  isModelAlias,
  isModelName,
  isProvider,
  MODEL_FORM,
  providerOf,
} from "#domain/model/model-name.ts";
import { PRICE_DECIMALS } from "#domain/spend/price.ts";
import { hasNoCredentials } from "../../settings/web-address.ts";

const modelName = z.string().refine(isModelName, `expected ${MODEL_FORM}`);
const alias = z
  .string()
  .refine(isModelAlias, "expected lower case, digits, dots, hyphens and underscores");
const modelOrAlias = z
  .string()
  .refine((name) => isModelName(name) || isModelAlias(name), `expected ${MODEL_FORM}, or an alias`);

/** Models with `*` for any characters, or an alias. */
const allowed = z
  .string()
  .max(300)
  .refine(isPattern, `expected ${MODEL_FORM}, * standing for any characters, or an alias`);

const address = z
  .url({ protocol: /^https?$/u, error: "expected an http or https address" })
  .refine(hasNoCredentials, "expected an address without a user or password");
const api = z.enum(["responses", "chat"], 'expected "responses" or "chat"');
const tokens = z.int().min(1).max(100_000_000);

const price = z
  .number()
  .min(0)
  .max(1_000_000)
  .refine(isPrice, `expected at most ${PRICE_DECIMALS} decimals`);

function ms(most: number) {
  return z.int().min(1).max(most);
}

const HOUR_MS = 3_600_000;

const limits = z.strictObject({
  /** Of one attempt; what is left out is as usual for the provider. */
  firstTokenMs: ms(HOUR_MS).optional(),
  betweenTokensMs: ms(HOUR_MS).optional(),
  totalMs: ms(24 * HOUR_MS).optional(),
  /** Repeats of one model that failed, before the next of its chain. */
  retries: z.int().min(0).max(20).default(2),
  /** The longest wait before a repeat; a service that asks for more is not waited for. */
  maxWaitMs: z.int().min(0).max(HOUR_MS).default(20_000),
  /** The first wait is up to so long, each further one up to twice as long. */
  waitMs: z.int().min(0).max(HOUR_MS).default(500),
  /** Answers at once of one provider in one agent thread, for all providers or by provider. */
  concurrency: z
    .union([z.int().min(1).max(100_000), z.record(z.string(), z.int().min(1).max(100_000))])
    .default(1_000),
  /** How many may wait for their turn, and how long. */
  queue: z.int().min(0).max(1_000_000).default(10_000),
  queueMs: ms(HOUR_MS).default(30_000),
  breaker: z
    .strictObject({
      failures: z.int().min(1).max(1_000).default(5),
      withinMs: ms(HOUR_MS).default(60_000),
      pauseMs: ms(HOUR_MS).default(30_000),
    })
    .prefault({}),
  /** How long a key is left out that was refused. */
  keyPauseMs: ms(24 * HOUR_MS).default(300_000),
});

/** What `models.yaml` may hold. */
export const modelSettingsSchema = z
  .strictObject({
    default: modelOrAlias.optional(),
    providers: z
      .strictObject({
        openai: z.strictObject({ baseUrl: address.optional(), api: api.optional() }).optional(),
        anthropic: z.strictObject({ baseUrl: address.optional() }).optional(),
        ollama: z.strictObject({ baseUrl: address.optional() }).optional(),
        custom: z
          .record(
            z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/u, "expected lower case, digits, hyphens"),
            z.strictObject({ baseUrl: address, api: api.optional() }),
          )
          .optional(),
      })
      .prefault({}),
    aliases: z.record(alias, modelName).default({}),
    fallbacks: z.record(modelOrAlias, z.array(modelOrAlias).min(1).max(10)).default({}),
    /** What people may choose; where it is left out, any model. The default one always. */
    allow: z.array(allowed).max(1_000).optional(),
    /** How much models are to think that can; an alias's own word goes before its model's. */
    reasoning: z.record(modelOrAlias, z.enum(["none", "low", "medium", "high"])).default({}),
    models: z
      .record(
        modelName,
        z.strictObject({
          contextTokens: tokens.optional(),
          maxOutputTokens: tokens.optional(),
        }),
      )
      .default({}),
    prices: z
      .record(
        modelName,
        z.strictObject({
          input: price,
          cachedInput: price.optional(),
          cacheWrite: price.optional(),
          output: price,
        }),
      )
      .default({}),
    limits: limits.prefault({}),
  })
  .superRefine((settings, context) => {
    const check = (name: string, path: (string | number)[]) => {
      const message = faultOf(name, settings);
      if (message !== undefined) context.addIssue({ code: "custom", path, message });
    };
    if (settings.default !== undefined) check(settings.default, ["default"]);
    for (const [name, model] of Object.entries(settings.aliases)) check(model, ["aliases", name]);
    for (const [name, chain] of Object.entries(settings.fallbacks)) {
      check(name, ["fallbacks", name]);
      for (const [index, model] of chain.entries()) check(model, ["fallbacks", name, index]);
    }
    for (const [index, pattern] of (settings.allow ?? []).entries()) {
      if (!providerOf(pattern).includes("*") && pattern !== "*") check(pattern, ["allow", index]);
    }
    for (const name of Object.keys(settings.reasoning)) check(name, ["reasoning", name]);
  });

export type ModelSettings = z.output<typeof modelSettingsSchema>;

/** As they are where there is no file. */
export const NO_MODEL_SETTINGS: ModelSettings = modelSettingsSchema.parse({});

interface Names {
  readonly aliases: Readonly<Record<string, string>>;
  readonly providers: { readonly custom?: Readonly<Record<string, unknown>> | undefined };
}

/** What is wrong with a name that the file itself would have to explain. */
function faultOf(name: string, { aliases, providers }: Names): string | undefined {
  if (!name.includes("/")) {
    return Object.hasOwn(aliases, name) ? undefined : "expected a model, or an alias of this file";
  }
  const custom = customNameOf(providerOf(name));
  if (custom === undefined || Object.hasOwn(providers.custom ?? {}, custom)) return undefined;
  return "expected a provider of providers.custom in this file";
}

function isPattern(raw: string): boolean {
  if (!raw.includes("*")) return isModelName(raw) || isModelAlias(raw);
  const provider = providerOf(raw);
  if (/\s/u.test(raw)) return false;
  return raw === "*" || provider.includes("*") || isProvider(provider);
}

function isPrice(value: number): boolean {
  const scaled = value * 10 ** PRICE_DECIMALS;
  return Math.abs(scaled - Math.round(scaled)) < 1e-3;
}
