import path from "node:path";
import { OFFLINE_MODEL } from "#domain/model/model-name.ts";
import { readSettings } from "../settings/settings-file.ts";
import { type ModelSettings, modelSettingsSchema } from "./routing/model-settings.ts";

/** All that decides which models there are; it goes to agent threads as it is. */
export interface ModelAccess {
  /** Where `models.yaml` is, or may be one day. */
  readonly homeDir: string;
  /** The default model, over what the file says. */
  readonly model: string | undefined;
  /** By provider, the first key first. */
  readonly modelKeys: Readonly<Record<string, readonly string[]>>;
  /** Where providers are, over what the file says. */
  readonly modelUrls: Readonly<Record<string, string>>;
}

/** Where a Nexflow's own file on models is. */
export function modelsFile(homeDir: string): string {
  return path.join(homeDir, "models.yaml");
}

/** The settings as they are in the file now. Throws `Fault` (`CONFIG_INVALID`). */
export async function readModelSettings(homeDir: string): Promise<ModelSettings> {
  return readSettings({ path: modelsFile(homeDir), schema: modelSettingsSchema });
}

/** The default model or alias, as it was written. */
export function defaultModelOf(
  { model }: Pick<ModelAccess, "model">,
  settings: Pick<ModelSettings, "default">,
): string {
  return model ?? settings.default ?? OFFLINE_MODEL;
}
