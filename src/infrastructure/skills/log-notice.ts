import type { Logger } from "#application/ports/logger.ts";
import type { RuntimeNotice } from "../../../runtime/index.ts";

/** Logs what the runtime has to tell the operator, as loudly as there is something to do about it. */
export function logNotice(log: Logger, notice: RuntimeNotice): void {
  const fields = { notice };
  switch (notice.kind) {
    case "process-killed":
      return isRoutine(notice.reason)
        ? log.debug(fields, "A sandbox process was ended")
        : log.warn(fields, "A sandbox process was killed for what its skill did");
    case "process-died":
      return log.warn(fields, "A sandbox process died");
    case "process-not-started":
      return log.error(fields, "A sandbox process cannot be started");
    case "skill-quarantined":
      return log.error(fields, "A skill was killed too often and is out of use for a while");
    case "policies-loaded":
      return log.info(fields, "The changed policies are in force");
    case "policies-rejected":
      return log.error(fields, "The changed policies cannot be used; the last good ones stay");
    default:
      return notice satisfies never;
  }
}

function isRoutine(reason: (RuntimeNotice & { kind: "process-killed" })["reason"]): boolean {
  return reason === "cancelled" || reason === "retired";
}
