import { z } from "zod";
import { httpsOrigin, httpTarget, secretName } from "./http-schema.ts";

const reason = z.string().trim().min(1).max(300);
const ask = z.strictObject({ reason });
const httpAsk = z.strictObject({ ...httpTarget, reason });
/** `audience` is the one origin the secret may be sent to. */
const secretAsk = z.strictObject({ name: secretName, audience: httpsOrigin, reason });

/**
 * What a skill asks for, each with its reason. A manifest without a capability does not get it,
 * whatever the policy grants, unless the policy's mode is `learn`.
 */
export const capabilitiesSchema = z.strictObject({
  clock: ask.optional(),
  random: ask.optional(),
  config: ask.optional(),
  kv: ask.optional(),
  schedule: ask.optional(),
  http: z.array(httpAsk).min(1).max(50).optional(),
  secrets: z.array(secretAsk).min(1).max(50).optional(),
});

export type Capabilities = Readonly<z.output<typeof capabilitiesSchema>>;
