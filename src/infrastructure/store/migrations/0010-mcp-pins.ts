/* What the tools of MCP servers were when they were first seen. */
export const statements = [
  `CREATE TABLE mcp_pin (
    server TEXT NOT NULL,
    accept INTEGER NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (server, accept, tool)
  ) WITHOUT ROWID`,
];
