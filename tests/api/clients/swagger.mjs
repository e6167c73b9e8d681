// Clicks through Swagger UI in Chromium, with every operation: node swagger.mjs ADDRESS TOKEN CHROMIUM PICTURE
import { chromium } from "playwright-core";

const [address, token, executablePath, picture] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1200, height: 1800 } });
const faults = [];
page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
page.on("pageerror", (error) => faults.push(String(error)));
page.on("requestfailed", (request) => faults.push(request.url()));

async function run(operation, fill = async () => {}) {
  const block = page.locator(`#operations-Todos-${operation}`);
  await block.locator(".opblock-summary-control").click();
  await fill(block);
  await block.locator("button.execute").click();
  const status = await block.locator(".live-responses-table .response-col_status").nth(1).textContent();
  return { status: Number(status.trim()), block };
}

await page.goto(`${address}/docs`);
await page.click("button.authorize");
await page.fill(".auth-container input", token);
await page.click(".auth-btn-wrapper button.authorize");
await page.click(".auth-btn-wrapper button.btn-done");
const created = await run("createTodo", (block) => block.locator("textarea").first().fill('{"title": "Pay rent"}'));
const body = await created.block.locator(".live-responses-table .microlight").first().textContent();
const choose = (block) => block.locator('input[placeholder="todo_id"]').fill(JSON.parse(body).id);
const listed = await run("listTodos");
const read = await run("getTodo", choose);
const changed = await run("updateTodo", async (block) => {
  await choose(block);
  await block.locator("textarea").first().fill('{"is_completed": true}');
});
await page.screenshot({ path: picture });
const deleted = await run("deleteTodo", choose);
const statuses = [created, listed, read, changed, deleted].map((each) => each.status);
console.log(JSON.stringify({ statuses, faults }));
await browser.close();
