// Everything that is said to the server. A write that fails is kept and said; nothing is dropped silently.

/** A name for one unguessable thing: a request, or this tab. */
export const newName = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** This tab: what it changed itself is not news to it. */
export const SESSION = newName();

/** An answer that says what is wrong. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message @param {any} content */
  constructor(status, message, content) {
    super(message);
    this.status = status;
    this.content = content;
  }
}

/** @param {string} path @param {RequestInit} [options] */
async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer;
  const text = await answer.text();
  let content = null;
  try { content = JSON.parse(text); } catch { /* plain text */ }
  throw new Refusal(answer.status, content?.error ?? text.trim(), content);
}

/** @param {string} path */
export const read = async (path) => (await ask(path)).json();

/** @param {string} path */
export const readBytes = async (path) => (await ask(path)).arrayBuffer();

/** @param {string} path @param {object} content */
export async function write(path, content) {
  const body = JSON.stringify({ session: SESSION, ...content });
  const headers = { 'content-type': 'application/json' };
  return (await ask(path, { method: 'POST', headers, body })).json();
}

/** @param {number} video @param {number} frame @param {number} width @param {boolean} [thumbnail] */
export const frameUrl = (video, frame, width, thumbnail = false) =>
  `/api/videos/${video}/frames/${frame}?width=${Math.ceil(width)}${thumbnail ? '&thumbnail=1' : ''}`;

/** @param {Record<string, (facts: any) => void>} handlers @param {(here: boolean) => void} online */
export function listen(handlers, online) {
  const source = new EventSource('/api/live');
  source.onopen = () => online(true);
  source.onerror = () => {
    online(false);
    // A refused stream (the server is back under a new token) is not tried again by the browser itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(handlers, online), 1000);
  };
  for (const [kind, handler] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => handler(JSON.parse(/** @type {MessageEvent} */ (event).data)));
  }
}
