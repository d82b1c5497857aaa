import type { McpTool } from "./tool-definitions.ts";

export interface PinPlace {
  readonly server: string;
  /** With a greater number all tools are new. */
  readonly accept: number;
}

/**
 * Remembers the digests of a server's tools when it is first seen with any, for all instances; gives
 * those that it had then.
 */
export type PinTools = (
  place: PinPlace & { readonly digests: Readonly<Record<string, string>> },
) => Promise<Readonly<Record<string, string>>>;

/** Tells tools that are as they were when the server was first seen from those that changed or came later. */
export async function compareTools(
  pin: PinTools,
  place: PinPlace,
  tools: readonly McpTool[],
): Promise<{ readonly same: readonly McpTool[]; readonly changed: readonly McpTool[] }> {
  const digests = Object.fromEntries(tools.map(({ wireName, digest }) => [wireName, digest]));
  const pinned = new Map(Object.entries(await pin({ ...place, digests })));
  const isSame = ({ wireName, digest }: McpTool) => pinned.get(wireName) === digest;
  return { same: tools.filter(isSame), changed: tools.filter((tool) => !isSame(tool)) };
}
