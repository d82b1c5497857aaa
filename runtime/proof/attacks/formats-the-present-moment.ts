import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

const PROBE = `
  const moments = [];
  for (const read of [
    () => new Intl.DateTimeFormat("en", { dateStyle: "full" }).format(),
    () => new Intl.DateTimeFormat("en").format(undefined),
    () => new Intl.DateTimeFormat("en").formatToParts(),
    () => new Intl.DateTimeFormat("en").formatToParts(undefined),
  ]) try { moments.push(read()); } catch {}
  if (moments.length === 0) new Intl.DateTimeFormat("en").format();
  return moments;`;

export const formatsThePresentMoment: Attack = {
  name: "formats-the-present-moment",
  group: "escape",
  about: "Reads the ungranted clock through date formatting",
  skill: { body: PROBE, capabilities: {} },
  expect: ["denied"],
  verify: failsWith({ rule: "manifest: capabilities.clock" }),
};
