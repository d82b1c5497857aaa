import { writeFileSync } from "node:fs";
import { toPolicyJsonSchema } from "./policy-schema.ts";

/* `npm run build:policies`: writes the JSON Schema that editors check policies against. */

const file = new URL("../../sandbox-policies/policy.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(toPolicyJsonSchema(), undefined, 2)}\n`);
