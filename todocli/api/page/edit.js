/* The dialog of one todo: its fields, its notes, and how to remove it, or to skip a date of what repeats.

   Only fields that were changed here are sent, and only if the todo is still as it was shown (If-Match). If it is not,
   it is read again: what others have changed is shown, and what was typed here stays. What was not saved is discarded
   only when the dialog is closed a second time. */

import { get, send } from "./api.js";
import { dayInWords, dueInWords, momentInWords } from "./dates.js";
import { byId, element } from "./elements.js";
import { act, focusOn, reload } from "./list.js";
import { clearError, onSubmit, say } from "./messages.js";

const LABELS = { due_on: "due", due_time: "time", starts_on: "start" };
const LONGEST = 60;
const FIELDS = ["title", "description", "due_on", "due_time", "starts_on", "priority", "project", "tags"];

const dialog = byId("edit");
const form = byId("edit-form");
const noteForm = byId("note");
let todo;
let mayWrite = false;
let isWarned = false;

/** Open a todo. One in the trash, or without the right to write, can only be read. */
export async function open(listed, writing) {
  try {
    todo = listed.deleted_at ? listed : await get(`todos/${listed.id}`);
  } catch (error) {
    say(error.message);
    return reload();
  }
  mayWrite = writing && todo.deleted_at === null;
  for (const part of dialog.querySelectorAll(".writing")) part.hidden = !mayWrite;
  form.querySelector("fieldset").disabled = !mayWrite;
  noteForm.reset();
  clearError(form, byId("edit-error"));
  clearError(noteForm, byId("note-error"));
  fill(FIELDS);
  form.elements.series.checked = false;
  isWarned = false;
  dialog.showModal();
  return offerProjects();
}

/** Show the todo in some of the fields, and its notes. */
function fill(fields) {
  byId("edit-heading").textContent = `Todo ${todo.number}`;
  byId("series").hidden = todo.rrule === null;
  byId("skip").hidden = !mayWrite || todo.rrule === null || todo.is_completed;
  for (const name of fields) form.elements[name].value = shown(name);
  const notes = (todo.notes ?? []).map(({ at, text }) => {
    const moment = element("time", { dateTime: at }, momentInWords(at));
    return element("li", {}, moment, element("p", { dir: "auto" }, text));
  });
  byId("notes").replaceChildren(...notes);
  byId("notes").parentElement.hidden = !mayWrite && notes.length === 0;
}

/** Return the text of a field as the form has it. */
function shown(name) {
  if (name === "tags") return todo.tags.join(" ");
  if (name === "due_time") return todo.due_time?.slice(0, 5) ?? "";
  return todo[name] ?? "";
}

const typed = (name) => form.elements[name].value;
const isEdited = (name) => typed(name) !== shown(name);

/** Return the fields that were edited, as the API takes them. */
function changes() {
  const edited = new Set(FIELDS.filter(isEdited));
  if (edited.has("due_on") || edited.has("due_time")) edited.add("due_on").add("due_time"); // one clears the other
  if (!typed("due_on")) edited.delete("due_time");
  return Object.fromEntries([...edited].map((name) => [name, valueOf(name)]));
}

function valueOf(name) {
  if (name === "tags") return typed(name).split(/[\s,]+/).filter(Boolean);
  return typed(name) || (name === "title" ? "" : null);
}

/** Show a newer version of the todo, except in the fields that were edited. */
function update(newer) {
  const others = FIELDS.filter((name) => !isEdited(name));
  todo = newer;
  fill(others);
}

/** Read the todo again, if it is shown: it may have been changed. */
export async function refresh() {
  if (dialog.open && mayWrite) update(await get(`todos/${todo.id}`));
}

async function save() {
  const body = changes();
  if (Object.keys(body).length === 0) return dialog.close();
  try {
    const query = !byId("series").hidden && form.elements.series.checked ? { series: true } : {};
    const { answer, key } = await send("PATCH", `todos/${todo.id}`, { query, body, todo, match: true });
    dialog.close();
    say(`Saved: ${answer.title}`, answer.change_id === key ? key : null);
  } catch (error) {
    if (error.status === 412) await readAgain();
    throw error;
  }
  return reload();
}

/** Read the todo again after others have changed it. Throws an error that says what is new. */
async function readAgain() {
  const before = Object.fromEntries(FIELDS.map((name) => [name, shown(name)]));
  await refresh();
  reload();
  const now = FIELDS.filter((name) => shown(name) !== before[name]).map(inShort).join(", ");
  throw new Error(
    `This todo was changed meanwhile${now && ` (now: ${now})`}. Nothing was saved. What you typed is kept: save it again.`,
  );
}

/** Return a field and its value, for a sentence. */
function inShort(name) {
  const text = shown(name);
  const value = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return `${LABELS[name] ?? name} ${value ? `“${value}”` : "empty"}`;
}

async function addNote() {
  const { answer, key } = await send("POST", `todos/${todo.id}/notes`, { body: { text: typedNote() }, todo });
  noteForm.reset();
  update(answer);
  say("Note added.", key);
  return reload();
}

const typedNote = () => noteForm.elements.text.value;

const remove = () => leave("Removed", "DELETE", `todos/${todo.id}`);
const skip = () => leave("Skipped", "POST", `todos/${todo.id}/skip`, (next) => ` · ${nextDate(next)}`);
const nextDate = (next) => dueInWords(next)?.text ?? `Starts ${dayInWords(next.starts_on)}`;

/** Change the todo as it is shown, close the dialog, and report what was `done`. */
async function leave(done, method, path, more) {
  const before = todo;
  try {
    const changed = await send(method, path, { todo, match: true });
    dialog.close();
    await act(done, before, async () => changed, more);
  } catch (error) {
    const refusal = error.status === 412 ? await readAgain().catch((reason) => reason) : error;
    byId("edit-error").textContent = refusal.message;
  }
}

/** Return whether the dialog may close. If something was not saved, the first attempt only says so. */
function mayClose() {
  if (isWarned || !mayWrite || (Object.keys(changes()).length === 0 && !typedNote().trim())) return true;
  isWarned = true;
  byId("edit-error").textContent = "Not saved yet. Save it, or close again to discard it.";
  return false;
}

async function offerProjects() {
  const { items } = await get("projects").catch(() => ({ items: [] }));
  byId("projects").replaceChildren(...items.map(({ name }) => element("option", { value: name })));
}

/** Let the forms and buttons of the dialog work. */
export function install() {
  onSubmit(form, byId("edit-error"), save);
  onSubmit(noteForm, byId("note-error"), addNote);
  byId("remove").addEventListener("click", remove);
  byId("skip").addEventListener("click", () => mayClose() && skip());
  byId("close-edit").addEventListener("click", () => mayClose() && dialog.close());
  dialog.addEventListener("cancel", (event) => mayClose() || event.preventDefault());
  dialog.addEventListener("input", () => (isWarned = false));
  dialog.addEventListener("close", () => {
    const focused = document.activeElement; // still in the dialog, if the row that it was opened from is gone
    if (focused === document.body || dialog.contains(focused)) focusOn(todo.id);
  });
}
