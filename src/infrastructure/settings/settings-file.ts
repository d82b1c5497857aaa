import { type StatsListener, unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import type { Logger } from "#application/ports/logger.ts";
import { Fault, toFailure } from "#domain/shared/fault.ts";
import { parseSettings } from "./parse-settings.ts";

export interface SettingsPlace<T> {
  /** Where the file is, or may be one day. */
  readonly path: string;
  readonly schema: z.ZodType<T>;
}

export interface SettingsFileOptions<T> extends SettingsPlace<T> {
  readonly log: Logger;
  /** Told each time after the first that the settings are others. */
  readonly onChange?: (settings: T) => void;
  /** How often is looked whether the file has changed. */
  readonly everyMs?: number;
}

/** Reads a settings file, as `readSettings` does, and again whenever it changes until `close`. */
export async function openSettings<T>(options: SettingsFileOptions<T>): Promise<SettingsFile<T>> {
  return new SettingsFile(options, await read(options));
}

/**
 * The settings in the YAML file at `path`; a file that is not there counts as an empty one. Throws
 * `Fault` (`CONFIG_INVALID`) where it cannot be read or used.
 */
export async function readSettings<T>(file: SettingsPlace<T>): Promise<T> {
  return (await read(file)).settings;
}

/**
 * Settings that follow their file: what cannot be used is logged, and the last good ones stay. Does
 * not keep the process alive.
 */
export class SettingsFile<T> {
  readonly #options: SettingsFileOptions<T>;
  readonly #look: StatsListener = () => void this.#readAgain();
  #last: ReadSettings<T>;
  /** What was read last, be it of use or not. */
  #text: string;
  /** Counts changes: what was read before the last one is old. */
  #changes = 0;
  #isClosed = false;

  constructor(options: SettingsFileOptions<T>, first: ReadSettings<T>) {
    this.#options = options;
    this.#last = first;
    this.#text = first.text;
    // The folder holds the database as well: each commit would wake a watch on the folder.
    const interval = options.everyMs ?? 1_000;
    watchFile(options.path, { interval, persistent: false }, this.#look);
  }

  get current(): T {
    return this.#last.settings;
  }

  close(): void {
    this.#isClosed = true;
    unwatchFile(this.#options.path, this.#look);
  }

  async #readAgain(): Promise<void> {
    const { path: file, log, onChange } = this.#options;
    this.#changes += 1;
    const change = this.#changes;
    const isOld = () => this.#isClosed || change !== this.#changes;
    try {
      const text = await readText(file);
      if (isOld() || text === this.#text) return;
      this.#text = text;
      if (text === this.#last.text) return;
      const last = parse(text, this.#options);
      this.#last = last;
      log.info({ file }, "Settings were read again");
      onChange?.(last.settings);
    } catch (error) {
      if (isOld()) return;
      log.error({ file, failure: toFailure(error) }, "Settings cannot be used: the last ones stay");
    }
  }
}

interface ReadSettings<T> {
  readonly text: string;
  readonly settings: T;
}

async function read<T>(place: SettingsPlace<T>): Promise<ReadSettings<T>> {
  return parse(await readText(place.path), place);
}

function parse<T>(text: string, { path: file, schema }: SettingsPlace<T>): ReadSettings<T> {
  return { text, settings: parseSettings(text, { file: path.basename(file), schema }) };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") return "";
    throw new Fault("CONFIG_INVALID", `Cannot read the settings "${file}": ${code}`, {
      cause: error,
    });
  }
}
