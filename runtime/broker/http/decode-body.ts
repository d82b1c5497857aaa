import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from "node:zlib";
import { HttpRefusal } from "./http-refusal.ts";

type Decode = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const gzip: Decode = promisify(gunzip);
const brotli: Decode = promisify(brotliDecompress);
const zlib: Decode = promisify(inflate);
const rawDeflate: Decode = promisify(inflateRaw);

/** "deflate" should mean the zlib format, and to some servers means what is inside of it. */
const deflate: Decode = (bytes, options) =>
  ((bytes[0] ?? 0) & 15) === 8 ? zlib(bytes, options) : rawDeflate(bytes, options);

const DECODERS = new Map([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", deflate],
  ["br", brotli],
]);

export const ACCEPTED_ENCODINGS = "gzip, deflate, br";

/**
 * The content of `bytes`, at most `maxBytes` of it: decoding stops there, so that a small body that
 * unpacks to gigabytes costs no more than a large one. Throws `HttpRefusal`.
 */
export async function decodeBody(
  bytes: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (bytes.length === 0 || name === "identity" || name === "") return bytes;
  const decode = DECODERS.get(name);
  if (decode === undefined) {
    const expected = `expected one of ${ACCEPTED_ENCODINGS}`;
    throw new HttpRefusal(`Cannot read the response: its encoding is "${name}", ${expected}`);
  }
  try {
    return await decode(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(maxBytes) : new HttpRefusal(`The response is no ${name}`);
  }
}

export function tooLarge(maxBytes: number): HttpRefusal {
  return new HttpRefusal(`The response is larger than ${maxBytes} bytes`);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
