import { z } from "zod";
import { type Access, scopesOf } from "./access.ts";
import { ANSWERS, REQUESTS } from "./api-schemas.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import { PATH_PARAMS, type PathParam } from "./path-params.ts";
import { PROBLEM_TYPES, type ProblemCode } from "./problem-types.ts";
import type { Route, RouteAnswer, RouteHeader } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const HEADERS: Readonly<Record<RouteHeader, Json>> = {
  "idempotency-key": {
    name: "Idempotency-Key",
    in: "header",
    required: true,
    description:
      "A name of your own for this request. The same request again gets the same answer and does nothing",
    schema: { type: "string", pattern: '^"?[A-Za-z0-9_-]{1,64}"?$' },
  },
  "last-event-id": {
    name: "Last-Event-ID",
    in: "header",
    required: false,
    description: "The id of the last event you have: `<epoch>:<seq>`",
    schema: { type: "string", pattern: "^(\\d{1,15}:)?\\d{1,15}$" },
  },
  prefer: {
    name: "Prefer",
    in: "header",
    required: false,
    description: "`wait=<seconds>`, up to 60: the answer comes when the turn has ended",
    schema: { type: "string" },
  },
};

const COMPONENTS = "#/components/schemas/";
/** Most of the work of the document, done while the server starts and not when somebody asks. */
const SCHEMAS = { ...describeSchemas(REQUESTS, "input"), ...describeSchemas(ANSWERS, "output") };
const JSON_TYPE = "application/json";
const PROBLEM = {
  content: { "application/problem+json": { schema: { $ref: `${COMPONENTS}Problem` } } },
};

/** The OpenAPI 3.1 document of these routes, made of the schemas by which they are read. */
export function describeApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const each of routes) {
    paths[each.path] = { ...paths[each.path], [each.method]: describeRoute(each) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Nexflow",
      version,
      description: "See docs/protocol.md. What needs a scope says which in `x-scope`.",
    },
    servers: [{ url: "/api/v1" }],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "A token" },
        browser: { type: "apiKey", in: "cookie", name: "nexflow_session" },
      },
    },
  };
}

function describeRoute(route: Route): Json {
  const { name, summary, access, query, body, headers = [], params } = route;
  const parameters = [
    ...params.map(describePathParam),
    ...describeQuery(query),
    ...headers.map((header) => HEADERS[header]),
  ];
  return {
    operationId: name,
    summary,
    ...describeAccess(access),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${MAX_FRAME_BYTES} bytes`,
            content: {
              [JSON_TYPE]: { schema: refTo(REQUESTS, body.schema), example: body.example },
            },
          },
        }),
    responses: { ...describeAnswers(route.answers), ...describeProblems(route) },
  };
}

function describeAccess(access: Access): Json {
  if (access === "anyone") return { security: [] };
  if (access === "signed-in") return { security: [{ token: [] }, { browser: [] }] };
  const { role } = access;
  const scopes = scopesOf(access);
  const named = scopes.map((scope) => `the scope \`${scope}\``).join(", ");
  return {
    description: `Needs ${named} and at least the role \`${role}\`.`,
    security: [{ token: scopes }, { browser: scopes }],
    "x-scope": scopes.join(" "),
    "x-role": role,
  };
}

function describePathParam(name: PathParam): Json {
  const { what } = PATH_PARAMS[name];
  const schema = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" };
  return { name, in: "path", required: true, description: `The ${what}`, schema };
}

function describeQuery(query: z.ZodType | undefined): readonly Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = toSchema(query, "input") as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function describeAnswers(answers: Route["answers"]): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]),
  );
}

function describeAnswer({ summary, schema, type = JSON_TYPE }: RouteAnswer): Json {
  if (schema !== undefined) {
    return { description: summary, content: { [type]: { schema: refTo(ANSWERS, schema) } } };
  }
  if (type === JSON_TYPE) return { description: summary };
  return { description: summary, content: { [type]: { schema: { type: "string" } } } };
}

function describeProblems(route: Route): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problemsOf(route)) {
    const { status } = PROBLEM_TYPES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      { description: codes.map((code) => `\`${code}\``).join(", "), ...PROBLEM },
    ]),
  );
}

/** The codes that a route may answer with. */
function problemsOf(route: Route): ReadonlySet<ProblemCode> {
  const { access, params, query, body, problems = [], method } = route;
  const isBad = query !== undefined || body !== undefined || problems.length > 0;
  return new Set<ProblemCode>([
    ...(isBad ? (["bad-frame"] as const) : []),
    ...(access === "anyone" ? [] : (["unauthorized"] as const)),
    "forbidden",
    ...(typeof access === "object" ? (["insufficient-role", "insufficient-scope"] as const) : []),
    ...(params.length > 0 ? (["not-found"] as const) : []),
    ...(method === "post" || method === "patch" || method === "put"
      ? (["too-large"] as const)
      : []),
    "misdirected",
    "rate-limited",
    "internal",
    "storage_unavailable",
    ...problems,
  ]);
}

function describeSchemas(registry: typeof REQUESTS, io: "input" | "output"): Json {
  const uri = (id: string) => COMPONENTS + id;
  const { schemas } = z.toJSONSchema(registry, { io, uri, unrepresentable: "any" });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]));
}

function toSchema(schema: z.ZodType, io: "input" | "output"): Json {
  return bare(z.toJSONSchema(schema, { io, unrepresentable: "any" }));
}

/** A schema inside of a document is of the document's dialect and under its address. */
function bare({ $schema: _dialect, $id: _address, ...schema }: Json): Json {
  return schema;
}

function refTo(registry: typeof REQUESTS, schema: z.ZodType): Json {
  const id = registry.get(schema)?.id;
  if (id === undefined) throw new RangeError("Cannot describe a schema that has no name");
  return { $ref: COMPONENTS + id };
}
