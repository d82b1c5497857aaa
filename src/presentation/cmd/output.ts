import type { Command } from "commander";
/** What `--json` decides: an object as one line, or text for people. */
export function print(isJson: boolean, value: unknown, text: () => string): void {
  console.log(isJson ? JSON.stringify(value) : text());
}

/**
 * Text from models, skills and servers without what a terminal would take for a command: control
 * characters but tab and line feed.
 */
export function toPlainText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, "");
}

/** Rows as aligned columns. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  const toLine = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return rows.map((row) => toLine(row).trimEnd()).join("\n");
}

/** Whether a command is to write JSON: the option stands before or behind its name. */
export function isJson(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}
