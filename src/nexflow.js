#!/usr/bin/env node
// @ts-check
import path from "node:path";
import { pathToFileURL } from "node:url";
import { findBuiltProgram } from "./built-program.js";

/* What is run as `nexflow`: the built program, or its sources where they changed since. */

const built = findBuiltProgram(path.resolve(import.meta.dirname, ".."));
await (built === undefined ? import("./main.ts") : import(pathToFileURL(built).href));
