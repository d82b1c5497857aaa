// @ts-check
import { readFileSync, statSync } from "node:fs";
import path from "node:path";

/*
 * Plain JavaScript, as is what imports it first: Node takes as long to get ready for its first
 * file of TypeScript as the built program takes to load.
 */

/**
 * A file that the program was built of, as it was then.
 *
 * @typedef {object} BuiltSource
 * @property {string} file From the root.
 * @property {string} sha256
 * @property {number} bytes
 * @property {number} changedMs When it last changed in any way; 0 where that was just before.
 */

/**
 * What `npm run build:server` writes beside the programs that it builds.
 *
 * @typedef {object} BuildRecord
 * @property {string} program From the root.
 * @property {readonly BuiltSource[]} sources
 */

/** Built programs are here, each in a folder of its own. */
export const BUILT_DIR = "src/dist";
/** The one in use. */
export const BUILD_RECORD = `${BUILT_DIR}/build.json`;

/**
 * The file of the program that was built from the sources as they are now, if there is one. A
 * source whose time of change and size are what they were is not read; no program can set that
 * time, so nothing that was changed passes for what it was. One that was copied is read.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
export function findBuiltProgram(root) {
  const record = readBuildRecord(root);
  if (!record?.sources.every((source) => isUnchanged(root, source))) return undefined;
  return path.join(root, record.program);
}

/**
 * @param {string} root
 * @returns {BuildRecord | undefined}
 */
export function readBuildRecord(root) {
  try {
    return JSON.parse(readFileSync(path.join(root, BUILD_RECORD), "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * @param {string | Buffer} content
 * @returns {string}
 */
export function toSha256(content) {
  return process.getBuiltinModule("node:crypto").hash("sha256", content);
}

/**
 * @param {string} root
 * @param {BuiltSource} source
 */
function isUnchanged(root, { file, sha256, bytes, changedMs }) {
  const place = path.join(root, file);
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined || found.size !== bytes) return false;
  return found.ctimeMs === changedMs || toSha256(readFileSync(place)) === sha256;
}
