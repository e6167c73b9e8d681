/* The list of todos: it is read page by page, completed and restored in place, and moved through by keys. */

import { get, send, timeZone } from "./api.js";
import { dayInWords, dueInWords, isLater } from "./dates.js";
import { byId, element } from "./elements.js";
import { say } from "./messages.js";

const PAGE = 50;
const MOST = 1000;

const list = byId("list");
let asked = ""; // the query that is shown next
let query = ""; // the one that is shown
let todos = [];
let next = null;
let total = 0;
let requests = 0;
let isReadOnly = true;

/** Take note of what the token allows. */
export function allow(writing) {
  isReadOnly = !writing;
}

/** Show what a query lists, from its first page. Throws, and leaves the list as it is, if that fails. */
export async function show(newQuery) {
  asked = newQuery;
  try {
    await read(newQuery, PAGE);
  } catch (error) {
    asked = query;
    throw error;
  }
}

/** Read what is shown again, after a change. */
export async function reload() {
  if (!asked) return;
  try {
    await read(asked, Math.min(MOST, Math.max(PAGE, todos.length)));
  } catch (error) {
    showProblem(error);
  }
}

/** Empty the list. */
export function clear() {
  requests += 1; // what is on its way is not shown
  [asked, query, todos, next, total] = ["", "", [], null, 0];
  render();
  byId("empty").hidden = true;
  byId("status").textContent = "";
}

async function read(newQuery, limit) {
  const request = (requests += 1);
  const parameters = { ...timeZone(), limit, ...Object.fromEntries(new URLSearchParams(newQuery)) };
  const page = await get("todos", parameters).catch((error) => {
    if (request === requests) throw error;
  });
  if (request !== requests) return; // another was asked for since
  [query, todos, next, total] = [newQuery, page.items, page.next_cursor, page.total];
  render();
}

async function readMore() {
  const request = (requests += 1);
  const parameters = { ...timeZone(), limit: PAGE, ...Object.fromEntries(new URLSearchParams(query)), cursor: next };
  try {
    const page = await get("todos", parameters);
    if (request !== requests) return;
    const [first] = page.items;
    [todos, next, total] = [[...todos, ...page.items], page.next_cursor, page.total];
    render();
    if (first) opener(rowOf(first.id))?.focus();
  } catch (error) {
    say(error.message);
  }
}

/** Show why the list cannot be read. */
export function showProblem(error) {
  const problem = byId("problem");
  problem.querySelector("p").textContent = error.message;
  problem.hidden = false;
}

/** Show the todos. The focus stays on its todo; if that is gone, it moves to the one in its place. */
function render() {
  const focused = document.activeElement;
  const row = focused?.closest("#list > li");
  const index = row ? [...list.children].indexOf(row) : -1;
  const part = row && ["tick", "open", "restore"].find((name) => focused.closest(`.${name}`));
  list.replaceChildren(...todos.map(newRow));
  if (row) {
    const place = rowOf(row.dataset.id) ?? list.children[Math.min(index, list.children.length - 1)];
    const target = place && (place.querySelector(`.${part} input, button.${part}`) ?? opener(place));
    (target ?? byId("heading")).focus();
  }
  byId("problem").hidden = true;
  byId("more").hidden = next === null;
  byId("empty").hidden = todos.length > 0;
  byId("empty").textContent = emptiness();
  const count = next === null ? todos.length : `${todos.length} of ${total}`;
  const status = `${count} ${total === 1 ? "todo" : "todos"}`;
  if (byId("status").textContent !== status) byId("status").textContent = status; // or it is read out again
}

function emptiness() {
  const parameters = new URLSearchParams(query);
  if (parameters.has("where")) return "No todo matches this filter.";
  if (parameters.get("state") === "trash") return "The trash is empty.";
  if (parameters.get("state") === "completed") return "Nothing is completed yet.";
  return isReadOnly ? "Nothing to do." : "Nothing to do. Add a todo: words such as due:fri and +bills set its fields.";
}

function newRow(todo) {
  const row = byId("row").content.firstElementChild.cloneNode(true);
  const box = row.querySelector("input");
  row.dataset.id = todo.id;
  row.classList.toggle("completed", todo.is_completed);
  row.querySelector(".title").textContent = todo.title;
  for (const [text, kind = ""] of facts(todo)) {
    // The space separates the words for a screen reader.
    row.querySelector(".facts").append(element("span", { className: kind }, text), " ");
  }
  box.checked = todo.is_completed;
  box.setAttribute("aria-label", `Completed: ${todo.title}`);
  box.disabled = isReadOnly;
  row.querySelector(".tick").hidden = todo.deleted_at !== null;
  row.querySelector(".restore").hidden = todo.deleted_at === null || isReadOnly;
  row.querySelector(".restore").setAttribute("aria-label", `Restore ${todo.title}`);
  return row;
}

/** Return what is known of a todo beside its title: texts, each with what kind it is, if that matters. */
function facts(todo) {
  const due = dueInWords(todo);
  const found = [
    [due?.text, due?.urgency],
    [isLater(todo.starts_on) && `Starts ${dayInWords(todo.starts_on)}`],
    [todo.is_someday && "Someday"],
    [todo.priority && `${todo.priority[0].toUpperCase()}${todo.priority.slice(1)}`, `priority-${todo.priority}`],
    [todo.project],
    ...todo.tags.map((tag) => [`+${tag}`]),
    [todo.subtasks.length > 0 && progressOf(todo)],
    [todo.parent && `Under #${todo.parent}`],
    [todo.every && `Every ${todo.every}`],
    [todo.again && `Again after ${todo.again}`],
    [todo.note_count > 0 && `${todo.note_count} ${todo.note_count === 1 ? "note" : "notes"}`],
    [!todo.is_completed && todo.blocked_by.length > 0 && `Needs ${named(todo.blocked_by)}`, "waiting"],
    [isClaimed(todo) && `Claimed by ${todo.claimed_by}`],
    [`#${todo.number}`],
  ];
  return found.filter(([text]) => text);
}

/** Return a todo in one line. */
export function inOneLine(todo) {
  return [todo.title, ...facts(todo).map(([text]) => text)].join(" · ");
}

const progressOf = (todo) =>
  `${todo.subtasks.length - todo.open_subtasks.length} of ${todo.subtasks.length} subtasks done`;
const named = (numbers) => numbers.map((number) => `#${number}`).join(", ");
const isClaimed = (todo) => todo.claimed_by && new Date(todo.claimed_until) > new Date();
const rowOf = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);
const opener = (row) => row?.querySelector(".open");
const todoOf = (row) => todos.find((todo) => todo.id === row.dataset.id);
const focusedRow = () => document.activeElement?.closest("#list > li");

/** Complete or reopen the todo of a row. */
async function toggle(row) {
  const todo = todoOf(row);
  const isCompleted = !todo.is_completed;
  const box = row.querySelector("input");
  box.checked = isCompleted;
  if (row.hasAttribute("aria-busy")) return;
  row.setAttribute("aria-busy", "true");
  const change = () => send("PATCH", `todos/${todo.id}`, { body: { is_completed: isCompleted }, todo });
  await (isCompleted ? act("Completed", todo, change, stillOpen) : act("Reopened", todo, change));
}

async function restore(todo) {
  await act("Restored", todo, () => send("POST", `todos/${todo.id}/restore`, { todo }));
}

/** Return a sentence on what is still open of what a completed todo needed, and of its subtasks. */
function stillOpen(answer) {
  const needed = answer.blocked_by.length ? `. It needed ${named(answer.blocked_by)}, still open` : "";
  return answer.open_subtasks.length ? `${needed}. Its subtasks ${named(answer.open_subtasks)} are still open` : needed;
}

/** Change a todo, report it with Undo and what else there is to say of it, and show the list as it is now. */
export async function act(done, todo, change, more = () => "") {
  try {
    const { answer, key } = await change();
    const isKeyUsed = answer === null || answer.change_id === key; // or there was nothing left to do
    say(`${done}: ${todo.title}${more(answer)}`, isKeyUsed ? key : null);
  } catch (error) {
    say(error.message);
    render(); // as it was
  }
  await reload();
}

/** Let clicks and keys work; `edit` opens a todo. */
export function install(edit) {
  list.addEventListener("click", ({ target }) => {
    const row = target.closest("li");
    if (target.closest(".open")) edit(todoOf(row));
    if (target.closest(".restore")) restore(todoOf(row));
  });
  list.addEventListener("change", ({ target }) => toggle(target.closest("li")));
  byId("more").addEventListener("click", readMore);
}

/** Move the focus to another todo, by so many rows. */
export function move(rows) {
  const row = focusedRow();
  const last = list.children.length - 1;
  const index = row ? [...list.children].indexOf(row) + rows : rows > 0 ? 0 : last;
  opener(list.children[Math.max(0, Math.min(index, last))])?.focus();
}

/** Complete or reopen the todo that has the focus. */
export function toggleFocused() {
  const row = focusedRow();
  if (row && !isReadOnly && todoOf(row).deleted_at === null) toggle(row);
}

/** Move the focus to a todo, by its id; if it is not listed, to the heading. */
export function focusOn(id) {
  (opener(rowOf(id)) ?? byId("heading")).focus();
}

/** Return the todo that has the focus, if any. */
export function focusedTodo() {
  const row = focusedRow();
  return row && todoOf(row);
}
