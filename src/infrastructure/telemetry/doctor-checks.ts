import type { ModelAccess } from "../llm/model-access.ts";
import { checkDataDir, checkNatives, checkNode, checkPort, type Finding } from "./host-checks.ts";
import {
  checkBus,
  checkDatabase,
  checkModel,
  checkProgram,
  checkProtections,
  checkSkills,
  checkWebPage,
} from "./install-checks.ts";

export interface DoctorOptions extends ModelAccess {
  readonly databaseUrl: string | undefined;
  readonly databaseDirectUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly webDir: string;
  /** Where it is, if it was built since its sources changed. */
  readonly builtProgram: string | undefined;
}

/** All checks of this machine and this installation. None rejects: what goes wrong is a finding. */
export function createDoctorChecks(options: DoctorOptions): (() => Promise<readonly Finding[]>)[] {
  const { homeDir, databaseUrl, host, port, webDir, builtProgram } = options;
  return [
    guard("Node", () => checkNode()),
    guard("Binaries", checkNatives),
    guard("Program", () => checkProgram(builtProgram)),
    guard("Port", () => checkPort(host, port)),
    guard("Data directory", () => checkDataDir(homeDir)),
    guard("Database", () => checkDatabase({ homeDir, databaseUrl })),
    guard("Bus", () => checkBus(options)),
    guard("Web page", () => checkWebPage(webDir)),
    guard("Skills", checkSkills),
    guard("Sandbox", checkProtections),
    guard("Model", () => checkModel(options)),
  ];
}

type Check = () => Finding | Finding[] | Promise<Finding | Finding[]>;

function guard(name: string, check: Check): () => Promise<readonly Finding[]> {
  return async () => {
    try {
      return [await check()].flat();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [{ name, state: "fail", detail: `cannot be checked: ${reason}` }];
    }
  };
}
