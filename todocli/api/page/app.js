/* The page: signing in and out, which list is shown, adding, filtering, and the keys.

   The fragment of the address says what is shown (#list=completed&where=%2Bbills, #view=week), so that links, Back and
   bookmarks work. A link may carry a token there as well (#token=…): a fragment is never sent to a server. Titles come
   from anybody: they reach the page as text only, and the policy of the page forbids anything else. */

import { get, send, timeZone, token } from "./api.js";
import { byId, element } from "./elements.js";
import * as edit from "./edit.js";
import * as list from "./list.js";
import * as messages from "./messages.js";

const NAMES = { open: "Open", completed: "Completed", trash: "Trash" };

let me = null;
let views = [];

const mayWrite = () => me !== null && me.scope !== "read";

// Signing in and out

async function start() {
  const link = takeToken();
  if (link && token.read() && token.read() !== link) {
    byId("token").value = link;
    return askForToken("This link has another token than the one kept here. Sign in to use it, or reload to go on.");
  }
  if (link) token.keep(link);
  try {
    await signIn(); // without a token as well: a gateway may have authenticated the user
  } catch (error) {
    if (error.status !== 401) showPage(error);
  }
}

/** Return the token that the address carries, and remove it from there. */
function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found !== null) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

async function signIn() {
  me = await get("me");
  views = [];
  list.allow(mayWrite());
  for (const part of document.querySelectorAll("#todos .writing")) part.hidden = !mayWrite();
  byId("token").value = "";
  showPage();
  await follow();
}

function askForToken(reason) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  messages.forget();
  byId("todos").hidden = true;
  byId("sign-in").hidden = false;
  byId("sign-in-error").textContent = reason;
  byId("token").focus();
}

function showPage(problem) {
  byId("sign-in").hidden = true;
  byId("todos").hidden = false;
  if (problem) list.showProblem(problem);
}

async function signInByForm() {
  const text = byId("token").value.trim();
  if (!/^[!-~]+$/.test(text)) throw new Error("Paste a token. It begins with todo_");
  token.keep(text);
  await signIn();
  byId("heading").focus();
}

function signOut() {
  token.forget();
  history.replaceState(null, "", location.pathname + location.search);
  location.reload(); // so that nothing stays on the page
}

// Which list is shown

/** Return what the fragment of the address names. */
function place() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const name = parameters.get("list");
  return { list: Object.hasOwn(NAMES, name) ? name : "open", where: parameters.get("where") ?? "", view: parameters.get("view") };
}

/** Return the fragment for a place. */
function fragment({ list: name, where, view }) {
  const parameters = new URLSearchParams(view ? { view } : { list: name });
  if (where && !view) parameters.set("where", where);
  return `#${parameters}`;
}

/** Say which list is shown. */
function label(where) {
  const name = where.view ?? NAMES[where.list];
  byId("heading").textContent = where.where && !where.view ? `${name}: ${where.where}` : name;
  document.title = `${byId("heading").textContent} · todo`;
  byId("clear").hidden = !where.where && !where.view;
  byId("clear").href = fragment({ list: where.list });
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = !where.view && link.hash === `#list=${where.list}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function queryOf({ list: name, where, view }) {
  if (!view) return String(new URLSearchParams(where ? { state: name, where } : { state: name }));
  if (views.length === 0) views = (await get("views")).items;
  const found = views.find((each) => each.name === view);
  if (!found?.query) throw new Error(found ? `The view ${view} is not valid: ${found.line}` : `There is no view ${view}.`);
  return found.query;
}

/** Show what the address names. */
async function follow() {
  const here = place();
  label(here);
  try {
    await list.show(await queryOf(here));
  } catch (error) {
    list.clear();
    list.showProblem(error);
  }
}

// Adding and filtering

async function add() {
  const field = byId("text");
  const text = field.value;
  if (!text.trim()) throw Object.assign(new Error("Type what is to be done."), { fields: ["text"] });
  const { answer, key } = await send("POST", "todos", { query: timeZone(), body: { text } });
  if (field.value === text) field.value = ""; // unless more was typed since
  messages.say(`Added: ${list.inOneLine(answer)}`, key);
  await list.reload();
}

async function filter() {
  const target = { list: place().list, where: byId("where").value.trim() };
  await list.show(await queryOf(target));
  history.pushState(null, "", fragment(target));
  label(target);
  byId("filter").close();
}

async function openFilter() {
  const here = place();
  byId("where").value = here.where;
  messages.clearError(byId("filter-form"), byId("filter-error"));
  byId("filter").showModal();
  byId("where").select();
  try {
    const [found, projects, tags] = await Promise.all([get("views"), get("projects"), get("tags")]);
    views = found.items;
    offer("views", views.filter(({ query }) => query).map(({ name }) => [name, { view: name }]));
    offer("projects-list", inUse(projects).map((name) => [name, { list: here.list, where: `project:${name}` }]));
    offer("tags-list", inUse(tags).map((name) => [`+${name}`, { list: here.list, where: `+${name}` }]));
  } catch (error) {
    byId("filter-error").textContent = error.message;
  }
}

const inUse = ({ items }) => items.filter(({ open, completed }) => open + completed > 0).map(({ name }) => name);

function offer(id, choices) {
  const links = choices.map(([text, target]) => element("li", {}, element("a", { href: fragment(target) }, text)));
  const [shown, current] = [byId(id).querySelector("ul"), element("ul", {}, ...links)];
  if (!shown.isEqualNode(current)) shown.replaceWith(current); // a finger may be on one of them
  byId(id).hidden = links.length === 0;
}

function openAccount() {
  const rights = mayWrite() ? "may change todos" : "may only read";
  byId("who").textContent = me?.token ? `Signed in as ${me.name}, with the token “${me.token}”, which ${rights}.` : `Signed in as ${me?.name}.`;
  byId("kept").hidden = byId("sign-out").hidden = token.read() === null;
  byId("account").showModal();
}

// Keys, and what else happens

const KEYS = {
  "/": openFilter,
  "?": openAccount,
  n: () => byId("text").focus(),
  j: () => list.move(1),
  k: () => list.move(-1),
  x: list.toggleFocused,
  e: () => list.focusedTodo() && edit.open(list.focusedTodo(), mayWrite()),
  u: () => mayWrite() && messages.undo(refresh),
};

function onKey(event) {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select");
  const isElsewhere = byId("todos").hidden || document.querySelector("dialog[open]");
  if (event.key === "Escape" && event.target === byId("text")) byId("text").blur();
  if (isTyping || isElsewhere || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault(); // or the key is typed into the field that it opens
  KEYS[event.key]();
}

/** Show everything as it is now, after an undo. */
async function refresh() {
  await list.reload();
  await edit.refresh().catch(({ message }) => messages.say(message));
}

list.install((todo) => edit.open(todo, mayWrite()));
edit.install();
messages.install(refresh);
messages.onSubmit(byId("sign-in-form"), byId("sign-in-error"), signInByForm);
messages.onSubmit(byId("add"), byId("add-error"), add);
messages.onSubmit(byId("filter-form"), byId("filter-error"), filter);
byId("filter-button").addEventListener("click", openFilter);
byId("account-button").addEventListener("click", openAccount);
byId("sign-out").addEventListener("click", signOut);
byId("problem").querySelector("button").addEventListener("click", () => (me ? follow() : start()));
addEventListener("token-refused", ({ detail }) => {
  const reason = token.read() ? detail : "";
  token.forget();
  me = null;
  list.clear();
  askForToken(reason);
});
addEventListener("hashchange", () => {
  byId("filter").close();
  if (new URLSearchParams(location.hash.slice(1)).has("token")) start();
  else if (me) follow();
});
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  if (me && document.visibilityState === "visible") list.reload();
});
start();
