import type { ModelChoice } from "#application/ports/model-overview.ts";
import { MODEL_FORM } from "#domain/model/model-name.ts";
import type { HttpReply } from "../http-reply.ts";
import { badRequest } from "../route.ts";

/** What somebody is told who chose a model that there is not, or that is not for choosing. */
export function refuseModel(choice: Exclude<ModelChoice, "allowed">): HttpReply {
  switch (choice) {
    case "unknown-model":
      return badRequest("body", `"model" is not known, expected ${MODEL_FORM}, or an alias`);
    case "not-allowed":
      return badRequest(
        "body",
        '"model" may not be chosen here, expected one that GET /api/v1/models allows',
      );
    default:
      return choice satisfies never;
  }
}
