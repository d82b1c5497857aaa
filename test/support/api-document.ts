import { type Schema, Validator } from "@cfworker/json-schema";
import { createEventStreams } from "#presentation/gateway/event-streams.ts";
import { createOpenAiRoutes } from "#presentation/gateway/openai/openai-routes.ts";
import { describeApi } from "#presentation/gateway/openapi.ts";
import { createRateLimits, DEFAULT_RATE_LIMITS } from "#presentation/gateway/rate-limits.ts";
import { createRoutes } from "#presentation/gateway/rest.ts";
import { matchPath, type Route } from "#presentation/gateway/route.ts";
import type { GatewayDeps } from "#presentation/gateway/use-cases.ts";

export interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;

export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The routes of the API over `deps`, from the table itself. */
export function listRoutes(deps: GatewayDeps): readonly Route[] {
  return createRoutes(optionsOf(deps));
}

/** The same for the API of OpenAI's form. */
export function listOpenAiRoutes(deps: GatewayDeps): readonly Route[] {
  return createOpenAiRoutes(optionsOf(deps));
}

function optionsOf(deps: GatewayDeps) {
  const silent = () => undefined;
  const log = { error: silent, warn: silent, info: silent, debug: silent };
  const limits = createRateLimits(DEFAULT_RATE_LIMITS, () => 0);
  return { deps, limits, streams: createEventStreams({ deps, log }) };
}

export function readDocument(deps: GatewayDeps): ApiDocument {
  return JSON.parse(JSON.stringify(describeApi(listRoutes(deps), "0.0.0"))) as ApiDocument;
}

export interface Answer {
  readonly method: string;
  /** Below `/api/v1`, without a query. */
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

/** How an answer is not as the document has it; nothing where it is. */
export function findDeviation(document: ApiDocument, answer: Answer): string | undefined {
  const { method, path, status, type, body } = answer;
  const name = `${method} ${path} ${status}`;
  const operation = findOperation(document, method, path);
  if (operation === undefined) return status < 400 ? `${name} is not in the document` : undefined;
  const response = operation.responses[status];
  if (response === undefined) return `${name} is not in the document`;
  const [given = ""] = type.split(";");
  const { schema } = response.content?.[given] ?? {};
  if (schema === undefined)
    return given === "" ? undefined : describeUntyped(response, name, given);
  if (given.startsWith("text/")) return undefined;
  return validate(document, schema, body)?.replace(/^/u, `${name}: `);
}

/** What is wrong with `value`, a schema of the document given. */
export function validate(
  { components }: ApiDocument,
  schema: Schema,
  value: unknown,
): string | undefined {
  const whole = { components, ...schema } as Schema;
  const result = new Validator(whole, "2020-12", false).validate(value);
  return result.valid ? undefined : JSON.stringify(result.errors);
}

function findOperation(
  { paths }: ApiDocument,
  method: string,
  path: string,
): Operation | undefined {
  const matching = Object.entries(paths)
    .filter(([pattern]) => matchPath(pattern.split("/"), path.split("/")) !== undefined)
    .toSorted(([a], [b]) => a.split("{").length - b.split("{").length);
  return matching[0]?.[1][method.toLowerCase()];
}

function describeUntyped(
  { content }: { readonly content?: Content },
  name: string,
  given: string,
): string | undefined {
  return content === undefined ? undefined : `${name} came as ${given}`;
}
