// Uses the types that openapi-typescript generates: node client.js ADDRESS TOKEN
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const [address, token] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
type Todo = components["schemas"]["TodoRead"];
const priority: components["schemas"]["Priority"] = "high";

function must<T>(answered: { data?: T; error?: unknown }): T {
  if (answered.data === undefined) throw new Error(JSON.stringify(answered.error));
  return answered.data;
}

async function main(): Promise<void> {
  const added: Todo = must(await client.POST("/api/v1/todos", { body: { title: "Pay rent", priority, tags: ["bills"] } }));
  const path = { todo_id: added.id };
  const done: Todo = must(await client.PATCH("/api/v1/todos/{todo_id}", { params: { path }, body: { is_completed: true } }));
  const page = must(await client.GET("/api/v1/todos", { params: { query: { state: "completed", tag: ["bills"] } } }));
  const read: Todo = must(await client.GET("/api/v1/todos/{todo_id}", { params: { path } }));
  const { response } = await client.DELETE("/api/v1/todos/{todo_id}", { params: { path } });
  const missing = await client.GET("/api/v1/todos/{todo_id}", { params: { path } });
  console.log(JSON.stringify([done.is_completed, page.total, read.version, response.status, missing.error?.error_code]));
}

void main();
