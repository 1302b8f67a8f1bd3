"""The door for agents: an MCP server over HTTP at `/mcp`, and over stdio as `kyo mcp`. `mcp` is imported here alone."""
