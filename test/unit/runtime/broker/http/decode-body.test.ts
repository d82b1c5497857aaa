import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, test } from "vitest";
import { decodeBody } from "../../../../../runtime/broker/http/decode-body.ts";
import { HttpRefusal } from "../../../../../runtime/broker/http/http-refusal.ts";

const CONTENT = Buffer.from("some content, some content");
const CODINGS = [
  ["gzip", gzipSync],
  ["GZIP ", gzipSync],
  ["x-gzip", gzipSync],
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
  ["br", brotliCompressSync],
] as const;

describe("decodeBody()", () => {
  test.for(CODINGS)("reads %s", async ([encoding, encode], { expect }) => {
    expect(await decodeBody(encode(CONTENT), encoding, 100)).toEqual(CONTENT);
    expect(await decodeBody(encode(CONTENT), encoding, CONTENT.length)).toEqual(CONTENT);
    await expect(decodeBody(encode(CONTENT), encoding, CONTENT.length - 1)).rejects.toThrow(
      `larger than ${CONTENT.length - 1} bytes`,
    );
  });

  test.for(CODINGS)("stops a bomb in %s at the limit", async ([encoding, encode], { expect }) => {
    const bomb = encode(Buffer.alloc(10_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(decodeBody(bomb, encoding, 100_000)).rejects.toThrow("larger than 100000 bytes");
  });

  test("leaves alone what is not encoded, or empty", async ({ expect }) => {
    expect(await decodeBody(CONTENT, undefined, 100)).toBe(CONTENT);
    expect(await decodeBody(CONTENT, "identity", 100)).toBe(CONTENT);
    expect(await decodeBody(Buffer.alloc(0), "gzip", 100)).toHaveLength(0);
  });

  test.for(["gzip, gzip", "br, gzip", "compress", "zstd", "aws-chunked"])(
    "refuses the encoding %j",
    async (encoding, { expect }) => {
      await expect(decodeBody(CONTENT, encoding, 100)).rejects.toThrow(
        `its encoding is "${encoding}", expected one of gzip, deflate, br`,
      );
    },
  );

  test.for(CODINGS)("says so when a body is no %s", async ([encoding], { expect }) => {
    await expect(decodeBody(Buffer.from("\u0003junk"), encoding, 100)).rejects.toThrow(HttpRefusal);
  });
});
