import { describe, test } from "vitest";
import { findTextFault, MAX_FRAME_BYTES } from "../../../../src/presentation/web/protocol.ts";

describe("findTextFault()", () => {
  test("takes 32,768 characters of plain text and not one more", ({ expect }) => {
    expect(findTextFault("a".repeat(32_768))).toBeUndefined();
    expect(findTextFault("a".repeat(32_769))).toMatch(/^Too long by 1 /u);
  });

  test("counts bytes too: a frame of another script fills up sooner", ({ expect }) => {
    const text = "語".repeat(22_000);
    expect(JSON.stringify(text).length).toBeLessThan(32_768);
    expect(findTextFault(text)).toMatch(/^Too long: /u);
    const most = "語".repeat(21_600);
    expect(findTextFault(most)).toBeUndefined();
    const ids = { clientMessageId: "x".repeat(64), sessionId: "x".repeat(64) };
    const frame = JSON.stringify({ type: "send", ...ids, text: most });
    expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });
});
