"""The same todos as tools for agents, over the Model Context Protocol (MCP).

    tool_arguments.py   what each tool takes, and the JSON Schema that a client is shown of it
    tools.py            the tools: arguments and a workspace in, a JSON object out; they know no protocol
    tool_server.py      the tools as a server of the official SDK, whatever the transport
    stdio.py            `todo mcp`: that server on stdin and stdout

A tool calls the services that the command of the same purpose calls, so rules, errors and history are the same.
"""
