/* Requests to the API, with the token, and its errors.

   A request that writes has an Idempotency-Key. If no answer comes, the request may have been applied or not: so the
   key is kept, and the same request about the same version is sent with it again. It then takes effect once. */

const BASE = new URL("api/v1/", document.baseURI);
const PLACE = `todo token ${new URL(".", document.baseURI).pathname}`; // an origin may have several servers
const SECONDS = 30;

const unanswered = new Map();

/** The token, in the storage of this browser. */
export const token = {
  read: () => localStorage.getItem(PLACE),
  keep: (text) => localStorage.setItem(PLACE, text),
  forget: () => localStorage.removeItem(PLACE),
};

/** The server has refused a request: `status`, its sentence as `message`, and the names of the fields at fault. */
export class Refusal extends Error {
  constructor(status, { detail, field_errors = [] }) {
    super(detail);
    this.status = status;
    this.fields = field_errors.map(({ field }) => field);
  }
}

/** Return what the days of a request refer to. */
export const timeZone = () => ({ tz: Intl.DateTimeFormat().resolvedOptions().timeZone });

/** Send a request; return the body of its answer, and the key that it had.
    `todo` is the one it is about, as it was last seen; with `match` it must still be at that version. */
export async function send(method, path, { query = {}, body, todo, match = false } = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.append(name, value);
  const headers = {};
  const text = body && JSON.stringify(body);
  const request = JSON.stringify([method, url.href, text, todo?.change_id]);
  const key = unanswered.get(request) ?? newKey();
  if (token.read()) headers["Authorization"] = `Bearer ${token.read()}`;
  if (text) headers["Content-Type"] = "application/json";
  if (match) headers["If-Match"] = `"${todo.change_id}"`;
  if (method !== "GET") {
    headers["Idempotency-Key"] = key;
    unanswered.set(request, key);
  }
  const { status, answer, failure } = await answerTo(url, { method, headers, body: text });
  if (failure) throw new Error(method === "GET" ? failure : `${failure} Send it again: it takes effect once.`);
  unanswered.delete(request);
  if (status >= 400) {
    if (status === 401) dispatchEvent(new CustomEvent("token-refused", { detail: answer.detail }));
    throw new Refusal(status, answer);
  }
  return { answer, key };
}

/** Return what a GET answers. */
export async function get(path, query) {
  return (await send("GET", path, { query })).answer;
}

/** Return the status and the body of an answer; or the failure, if it does not say whether anything was applied. */
async function answerTo(url, options) {
  let status, answer;
  try {
    const response = await fetch(url, { ...options, cache: "no-store", signal: AbortSignal.timeout(SECONDS * 1000) });
    status = response.status;
    answer = status === 204 ? null : await response.json();
  } catch {
    return { failure: status ? `The server answered ${status}.` : "The server did not answer." };
  }
  return { status, answer, failure: status >= 500 && answer.detail };
}

/** Return a UUID. `crypto.randomUUID` is missing on pages without TLS, such as those of a server in the LAN. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // of RFC 9562
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
