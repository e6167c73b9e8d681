/* What the page answers to the reader: a message with Undo, and errors at their fields. */

import { send } from "./api.js";
import { byId } from "./elements.js";

const MESSAGE_SECONDS = 30;

const toast = byId("toast");
const box = toast.firstElementChild;
const controls = toast.parentElement;
const undoButton = toast.querySelector(".undo");
let undoable = null;
let hiding;

/** Show a message. `change` is what Undo takes back, by its id. */
export function say(text, change = null) {
  if (change) undoable = change;
  toast.querySelector("p").textContent = text;
  undoButton.hidden = !change;
  const place = document.querySelector("dialog[open] .actions") ?? controls; // beside a dialog, nothing can be reached
  if (toast.parentElement !== place) place.prepend(toast);
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => toast.contains(document.activeElement) || hide(), MESSAGE_SECONDS * 1000);
}

export function hide() {
  box.hidden = true;
}

/** Forget what could be undone: somebody else may sign in. */
export function forget() {
  undoable = null;
  hide();
}

/** Undo the last change that a message offered to undo, and run `afterwards`. */
export async function undo(afterwards) {
  if (!undoable) return say("Nothing was done here that can be undone.");
  try {
    await send("POST", "undo", { body: { only: undoable } });
    undoable = null;
    say("Undone.");
  } catch (error) {
    say(error.message);
  }
  return afterwards();
}

/** Let the buttons of the message work. */
export function install(afterwards) {
  undoButton.addEventListener("click", () => undo(afterwards));
  toast.querySelector(".close").addEventListener("click", hide);
}

/** Show an error of a form in its `place`, mark the fields at fault, and move to the first. */
export function showError(form, place, error) {
  clearError(form, place);
  place.textContent = error.message;
  const fields = error.fields ?? [];
  const faulty = fields.map((name) => form.elements[name] ?? form.querySelector("input, textarea")); // the only one
  for (const field of faulty) {
    field.setAttribute("aria-invalid", "true");
    if (!field.hasAttribute("aria-describedby")) field.setAttribute("aria-describedby", place.id);
  }
  faulty[0]?.focus();
}

export function clearError(form, place) {
  place.textContent = "";
  for (const field of form.elements) field.removeAttribute("aria-invalid");
}

/** Run `work` when a form is submitted, once at a time; its error is shown in `place`. */
export function onSubmit(form, place, work) {
  let isBusy = false;
  form.addEventListener("input", () => clearError(form, place));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    clearError(form, place);
    try {
      await work();
    } catch (error) {
      showError(form, place, error);
    } finally {
      isBusy = false;
    }
  });
}
