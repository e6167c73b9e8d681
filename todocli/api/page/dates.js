/* Days and times in words. A due date is a local day (2026-11-27), which must not shift with a time zone. */

/** Return today's local day, `days` later. */
function dayFromNow(days) {
  const now = new Date();
  return isoDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days));
}

function isoDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function isOverdue({ due_on, due_time }) {
  const today = dayFromNow(0);
  return due_on < today || (due_on === today && due_time !== null && due_time < clock(new Date()));
}

function clock(date) {
  return date.toTimeString().slice(0, 8);
}

/** Return a day as a reader of this browser's language writes it, with the year unless it is this one. */
export function dayInWords(day) {
  const [year, month, date] = day.split("-").map(Number);
  const style = { weekday: "short", day: "numeric", month: "short" };
  if (year !== new Date().getFullYear()) style.year = "numeric";
  const local = new Date(2000, 0, 1);
  local.setFullYear(year, month - 1, date); // the constructor takes the year 26 for 1926
  return new Intl.DateTimeFormat(undefined, style).format(local);
}

/** Return a moment with its day and time here. */
export function momentInWords(instant) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(instant));
}

/** Whether a day is yet to come. */
export function isLater(day) {
  return day !== null && day > dayFromNow(0);
}

/** Return when a todo is due, and how urgent that is: `overdue`, `today`, or neither. */
export function dueInWords(todo) {
  if (!todo.due_on) return null;
  const near = { [dayFromNow(0)]: "Today", [dayFromNow(1)]: "Tomorrow" }[todo.due_on];
  const time = todo.due_time ? ` ${todo.due_time.slice(0, 5)}` : "";
  const text = (near ?? dayInWords(todo.due_on)) + time;
  if (todo.is_completed || todo.deleted_at) return { text: `Due ${dayInWords(todo.due_on)}${time}`, urgency: "" };
  if (isOverdue(todo)) return { text: `Overdue: ${text}`, urgency: "overdue" };
  return { text, urgency: near === "Today" ? "today" : "" };
}
