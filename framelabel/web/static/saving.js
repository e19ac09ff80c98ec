// What people change, on its way to the server. What could not be saved is kept in the browser, said, and sent again.

import { newName, Refusal, write } from './api.js';

/** @typedef {{path: string, content: Record<string, any>}} Unsaved */

const AGAIN_MS = 5000;

/** Whether the same request may succeed later: the server is away, restarted, busy, or its disk is full. @param {unknown} error */
export const isPassing = (error) =>
  !(error instanceof Refusal) || error.status >= 500 || [401, 408, 429].includes(error.status);

export class Saving {
  /**
   * @param {string} place where in the browser's storage unsaved changes are kept: one place per project and person
   * @param {{say: (text: string, warn?: boolean) => void, waiting: (count: number) => void, saved: () => void}} owner
   */
  constructor(place, owner) {
    this.place = `framelabel:${place}`;
    this.owner = owner;
    this.isSending = false;
    /** @type {Unsaved[]} */
    this.unsaved = JSON.parse(localStorage.getItem(this.place) ?? '[]');
    this.owner.waiting(this.unsaved.length);
    setInterval(() => { if (this.unsaved.length) this.retry(); }, AGAIN_MS);
    window.addEventListener('storage', (event) => { if (event.key === this.place) this.#take(event.newValue); });
  }

  /**
   * Send a change. Returns the server's answer, or null when it is kept for later.
   * @param {string} path @param {Record<string, any>} content @throws {Refusal} the server refuses it for good
   */
  async send(path, content) {
    const named = { ...content, request: newName() }; // sending it twice does it once
    if (this.unsaved.length) await this.retry();
    if (!this.unsaved.length) {
      try {
        return await write(path, named);
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#keep(path, named);
        this.#say(error);
        return null;
      }
    }
    this.#keep(path, named);
    this.owner.say(`not saved yet: ${this.unsaved.length} changes wait for the server`, true);
    return null;
  }

  /** Send what could not be sent, in order. */
  async retry() {
    if (this.isSending || !this.unsaved.length) return;
    this.isSending = true;
    try {
      while (this.unsaved.length) {
        const { path, content } = this.unsaved[0];
        try {
          await write(path, content);
        } catch (error) {
          if (isPassing(error)) { this.#say(error); return; }
          this.owner.say(`could not be saved: ${/** @type {Refusal} */ (error).message}`, true);
        }
        this.unsaved.shift();
        this.#store();
      }
      this.owner.saved();
      this.owner.say('everything is saved');
    } finally {
      this.isSending = false;
    }
  }

  /** @param {unknown} error */
  #say(error) {
    const why = error instanceof Refusal ? error.message : 'the server does not answer';
    this.owner.say(`not saved yet: ${why} (${this.unsaved.length} waiting; tried again by itself)`, true);
  }

  /** @param {string} path @param {Record<string, any>} content */
  #keep(path, content) {
    this.unsaved.push({ path, content });
    this.#store();
  }

  #store() {
    if (this.unsaved.length) localStorage.setItem(this.place, JSON.stringify(this.unsaved));
    else localStorage.removeItem(this.place);
    this.owner.waiting(this.unsaved.length);
  }

  /** Another tab of the same person keeps or has sent something. @param {string | null} text */
  #take(text) {
    if (this.isSending) return;
    const hadSome = this.unsaved.length > 0;
    this.unsaved = JSON.parse(text ?? '[]');
    this.owner.waiting(this.unsaved.length);
    if (hadSome && !this.unsaved.length) {
      this.owner.saved();
      this.owner.say('everything is saved');
    }
  }
}
