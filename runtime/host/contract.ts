import { type Schema, Validator } from "@cfworker/json-schema";
import type { JsonValue, UnitTool } from "../protocol.ts";
import { findJsonFault } from "../protocol.ts";
import { GuestStop } from "./guest-stop.ts";

const DRAFT = "2020-12";

/** Holds a tool's input and output, as JSON text, to their schemas. */
export class Contract {
  readonly #tool: UnitTool;
  #input: Validator | undefined;
  #output: Validator | undefined;

  constructor(tool: UnitTool) {
    this.#tool = tool;
  }

  checkInput(text: string): void {
    this.#input ??= createValidator(this.#tool.inputSchema);
    const fault = findFault(this.#input, JSON.parse(text));
    if (fault !== undefined) throw new GuestStop("invalid-input", `The input is wrong: ${fault}`);
  }

  checkOutput(text: string): void {
    const value = parseOutput(text);
    const jsonFault = findJsonFault(value);
    if (jsonFault !== undefined) {
      throw new GuestStop("invalid-output", `The output cannot be used: ${jsonFault}`);
    }
    if (this.#tool.outputSchema === undefined) return;
    this.#output ??= createValidator(this.#tool.outputSchema);
    const fault = findFault(this.#output, value);
    if (fault !== undefined) throw new GuestStop("invalid-output", `The output is wrong: ${fault}`);
  }
}

function createValidator(schema: JsonValue): Validator {
  return new Validator(schema as Schema | boolean, DRAFT);
}

function findFault(validator: Validator, value: unknown): string | undefined {
  const { valid: isValid, errors } = validator.validate(value);
  if (isValid) return undefined;
  const deepest = errors.at(-1);
  return deepest && `at "${deepest.instanceLocation}": ${deepest.error}`;
}

function parseOutput(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new GuestStop("invalid-output", "The output is no JSON text");
  }
}
