// The review queue: one task at a time, the most useful first.

import { write } from './api.js';
import { button, find, make } from './elements.js';

/** What any task may be answered; one that names its own choices can be skipped as well. */
const VERDICTS = ['accept', 'reject', 'fix', 'skip'];
/** First choices of tasks that ask whether a label is right; others ask which of several it is. */
const YES = new Set(['accept', 'right', 'yes']);
/** Keys that answer besides Enter and r. @type {Record<string, string>} */
const KEYS = { fix: 'y', skip: '0' };

export class Queue {
  /** @param {import('./page.js').Page} page */
  constructor(page) {
    this.page = page;
    this.shownAt = 0;
    this.open = 0;
    page.whenEdited = (done, by, track) => this.#note(done, by, track);
  }

  /** What the open task can be answered. @returns {string[]} */
  get choices() {
    const given = this.page.task?.choices ?? [];
    return given.length ? [...new Set([...given, 'skip'])] : VERDICTS;
  }

  /** Whether the open task asks which of several it is: number keys choose. */
  get isNamed() {
    return Boolean(this.page.task) && !YES.has(this.choices[0]);
  }

  /** What Enter answers: yes; but a label that has just been corrected was not right. */
  get agreed() {
    const [yes, no] = this.choices;
    if (this.isNamed || !(this.page.task?.corrections > 0)) return yes;
    return this.choices.includes('fix') ? 'fix' : no;
  }

  /** Take the next task and go where it is. */
  async next() {
    const { page } = this;
    const answer = await write('/api/task', {});
    page.task = answer.task;
    this.shownAt = performance.now();
    if (!page.task) { find('task').textContent = 'The queue is empty.'; return; }
    const { task } = page;
    task.corrections = 0;
    this.open = answer.open;
    this.#show();
    if (task.video !== page.video.id) await page.open(task.video);
    page.pick(task.track_id >= 0 ? task.track_id : task.kind === 'box' && task.subject_id ? -1 - task.subject_id : null);
    await page.seek(task.start);
    const [box, panel] = [find('task'), find('aside')];
    panel.scrollTop += Math.max(box.getBoundingClientRect().bottom - panel.getBoundingClientRect().bottom, 0);
  }

  #show() {
    const { task } = this.page;
    const text = make('p', {}, [`${task.question || `Is this ${task.kind} right?`} (${task.reason}; ${this.open} open)`]);
    const buttons = this.choices.map((choice, number) => {
      const key = choice === this.agreed ? 'Enter' : KEYS[choice] ?? (this.isNamed ? String(number + 1) : number === 1 ? 'r' : '');
      return button(key ? `${choice} (${key})` : choice, () => this.answer(choice), { value: choice });
    });
    find('task').replaceChildren(text, make('div', { className: 'actions' }, buttons));
  }

  /**
   * An edit that touches what is asked about corrects it; undoing it takes that back.
   * @param {any} done @param {number} by @param {number} [track] what was edited, a label of no object by its own number
   */
  #note(done, by, track) {
    const { task } = this.page;
    if (task?.subject_id && track === -1 - task.subject_id) task.track_id = done.track; // it has become an object
    if (!task || done.video !== task.video || done.start >= task.stop || done.stop <= task.start) return;
    if (!done.tracks.includes(task.track_id)) return;
    task.corrections += by;
    this.#show();
  }

  /** @param {string} verdict */
  async answer(verdict) {
    const { page } = this;
    if (!page.task) { page.say('no task is open: t takes one'); return; }
    if (!this.choices.includes(verdict)) { page.say(`this task is answered ${this.choices.join(', ')}`); return; }
    const content = { task: page.task.id, verdict, seconds: (performance.now() - this.shownAt) / 1000 };
    page.task = null; // a second press must not answer twice
    try {
      const stored = await page.saving.send('/api/answer', content);
      if (stored) page.say(`answered: ${verdict}${stored.known ? `; known answer: ${stored.known}` : ''}`);
    } catch (error) {
      page.fail(error);
    }
    await this.next().catch(() => { find('task').textContent = 'Press t for the next task.'; });
  }
}
