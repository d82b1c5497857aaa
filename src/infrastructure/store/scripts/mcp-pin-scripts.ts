import { queries } from "../load-queries.ts";
import { all, run, type Script } from "../script.ts";

/** A digest of what a server says of each of its tools. */
export interface PinMcpTools {
  readonly server: string;
  /** With a greater number all tools are new. */
  readonly accept: number;
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * Remembers the digests of a server's tools the first time that it has any; gives those that it had
 * then. What comes later under another name is not remembered: nobody has accepted it.
 */
export function* pinMcpTools({
  server,
  accept,
  digests,
}: PinMcpTools): Script<Readonly<Record<string, string>>> {
  const known = yield* all(queries.listMcpPins, { server, accept });
  for (const [tool, digest] of known.length === 0 ? Object.entries(digests) : []) {
    yield* run(queries.insertMcpPin, { server, accept, tool, digest });
  }
  // Somebody else may have been first.
  return yield* listMcpPins({ server, accept });
}

/** The digests of a server's tools when it was first seen with any; none where it never was. */
export function* listMcpPins({
  server,
  accept,
}: Pick<PinMcpTools, "server" | "accept">): Script<Readonly<Record<string, string>>> {
  const pins = yield* all(queries.listMcpPins, { server, accept });
  return Object.fromEntries(pins.map(({ tool, digest }) => [tool, digest]));
}
