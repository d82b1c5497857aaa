import type { ModelDeps } from "#presentation/cmd/model.ts";
import type { Config } from "./config.ts";

/*
 * What the commands on models do on this machine, without a server.
 */

export function createModelCommands(config: () => Config): Omit<ModelDeps, "setOfSession"> {
  return {
    list: async () => {
      const [{ describeModels }, { readModelSettings }] = await Promise.all([
        import("#infrastructure/llm/describe-models.ts"),
        import("#infrastructure/llm/model-access.ts"),
      ]);
      return describeModels(config(), await readModelSettings(config().homeDir));
    },
    test: async (name) => {
      const [{ testModel }, { isSecretInLogs, SecretMasker }, { maskFailure }] = await Promise.all([
        import("#infrastructure/llm/test-model.ts"),
        import("#infrastructure/telemetry/secret-masker.ts"),
        import("#infrastructure/telemetry/mask-failure.ts"),
      ]);
      const report = await testModel(config(), name, () => Math.round(performance.now()));
      // A service may repeat the key that it was shown.
      const masker = new SecretMasker(isSecretInLogs, config().secrets);
      return report.kind === "failed"
        ? { ...report, failure: maskFailure(report.failure, masker) }
        : { ...report, text: masker.mask(report.text) };
    },
    setDefault: async (name) => {
      const { setDefaultModel } = await import("#infrastructure/llm/set-default-model.ts");
      await setDefaultModel(config().homeDir, name);
    },
    modelInForce: () => config().model,
    pull: async function* (model, signal) {
      const [{ pullOllamaModel }, { readModelSettings }, { baseUrlOf }] = await Promise.all([
        import("#infrastructure/llm/ollama-pull.ts"),
        import("#infrastructure/llm/model-access.ts"),
        import("#infrastructure/llm/open-model.ts"),
      ]);
      const { homeDir, modelKeys, modelUrls } = config();
      const baseUrl = baseUrlOf("ollama", await readModelSettings(homeDir), modelUrls);
      const [apiKey] = modelKeys["ollama"] ?? [];
      yield* pullOllamaModel({ model, apiKey, baseUrl }, signal);
    },
  };
}
