import type { ImagePart } from "#domain/message/message.ts";

export const MAX_IMAGES = 8;
const MAX_IMAGE_BYTES = 5_242_880;

const DATA_URL = /^data:(?<mediaType>image\/[a-z]{3,5});base64,/u;
/** How a file of each type begins, in hex; `.` is any digit. */
const BEGINNINGS: readonly (readonly [ImagePart["mediaType"], RegExp])[] = [
  ["image/png", /^89504e470d0a1a0a/u],
  ["image/jpeg", /^ffd8ff/u],
  ["image/gif", /^47494638(?:37|39)61/u],
  ["image/webp", /^52494646.{8}57454250/u],
];
const TYPES = BEGINNINGS.map(([type]) => type).join(", ");

export type ReadImage =
  | { readonly kind: "ok"; readonly image: ImagePart }
  | { readonly kind: "bad"; readonly message: string };

/** Reads a picture out of a data URL. What it is its own bytes say, whatever type it is given. */
export function readImageUrl(url: string): ReadImage {
  const head = DATA_URL.exec(url.slice(0, 64))?.[0];
  if (head === undefined) {
    return bad("it is no data URL of a picture, expected data:image/…;base64,…");
  }
  return readImage(url.slice(head.length));
}

/** Reads a picture out of base64. */
export function readImage(data: string): ReadImage {
  // What base64 has beyond that length is too large in any case: it is not decoded.
  if (data.length > Math.ceil(MAX_IMAGE_BYTES / 3) * 4) return tooLarge();
  const bytes = Buffer.from(data, "base64");
  if (bytes.toString("base64") !== data)
    return bad("it is not base64, expected RFC 4648 with padding");
  if (bytes.byteLength > MAX_IMAGE_BYTES) return tooLarge();
  const beginning = bytes.subarray(0, 12).toString("hex");
  const mediaType = BEGINNINGS.find(([, form]) => form.test(beginning))?.[0];
  if (mediaType === undefined) return bad(`its bytes are no picture, expected one of ${TYPES}`);
  return { kind: "ok", image: { kind: "image", mediaType, data } };
}

function tooLarge(): ReadImage {
  return bad(`it is too large, expected at most ${MAX_IMAGE_BYTES} bytes`);
}

function bad(message: string): ReadImage {
  return { kind: "bad", message };
}
