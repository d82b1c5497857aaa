import { describe, test } from "vitest";
import type { PinMcpTools } from "#infrastructure/store/scripts/mcp-pin-scripts.ts";

type Pins = Readonly<Record<string, string>>;

export interface McpPinsUnderTest extends AsyncDisposable {
  pin(input: PinMcpTools): Promise<Pins>;
  list(place: Pick<PinMcpTools, "server" | "accept">): Promise<Pins>;
}

/** What every store promises of the digests of tools of MCP servers. */
export function describeMcpPins(name: string, open: () => Promise<McpPinsUnderTest>): void {
  describe(`pins of MCP tools ${name}`, () => {
    test("stay as they were first seen, until another number is accepted", async ({ expect }) => {
      await using store = await open();
      const place = { server: "one", accept: 1 };
      expect(await store.list(place)).toEqual({});
      const first = { read: "a", write: "b" };
      expect(await store.pin({ ...place, digests: first })).toEqual(first);
      expect(await store.pin({ ...place, digests: { read: "z", more: "c" } })).toEqual(first);
      expect(await store.list(place)).toEqual(first);
      const next = { server: "one", accept: 2 };
      expect(await store.list(next)).toEqual({});
      expect(await store.pin({ ...next, digests: { read: "z" } })).toEqual({ read: "z" });
      expect(await store.list(place)).toEqual(first);
    });

    test("are each server's own, and none of a server without tools", async ({ expect }) => {
      await using store = await open();
      await store.pin({ server: "one", accept: 1, digests: { read: "a" } });
      expect(await store.pin({ server: "two", accept: 1, digests: {} })).toEqual({});
      expect(await store.pin({ server: "two", accept: 1, digests: { read: "b" } })).toEqual({
        read: "b",
      });
      expect(await store.list({ server: "one", accept: 1 })).toEqual({ read: "a" });
    });

    test("are those of whoever is first, where many see a server at once", async ({ expect }) => {
      await using store = await open();
      const place = { server: "one", accept: 1 };
      const seen = await Promise.all(
        ["a", "b", "c", "d"].map((digest) => store.pin({ ...place, digests: { read: digest } })),
      );
      expect(seen).toEqual(Array(4).fill(await store.list(place)));
    });
  });
}
