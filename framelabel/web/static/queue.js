// The review queue: one task at a time, the most useful first.

import { write } from './api.js';
import { button, find, make } from './elements.js';

export class Queue {
  /** @param {import('./page.js').Page} page */
  constructor(page) {
    this.page = page;
    this.shownAt = 0;
  }

  /** Take the next task and go where it is. */
  async next() {
    const { page } = this;
    const answer = await write('/api/task', {});
    page.task = answer.task;
    this.shownAt = performance.now();
    const box = find('task');
    if (!page.task) { box.textContent = 'The queue is empty.'; return; }
    const { task } = page;
    const text = make('p', {}, [`${task.question || `Is this ${task.kind} right?`} (${task.reason}; ${answer.open} open)`]);
    const choices = task.choices.length ? task.choices : ['accept', 'reject', 'fix', 'skip'];
    const buttons = choices.map((/** @type {string} */ choice) => button(choice, () => this.answer(choice)));
    box.replaceChildren(text, make('div', { className: 'actions' }, buttons));
    if (task.video !== page.video.id) await page.open(task.video);
    page.pick(task.track_id >= 0 ? task.track_id : null);
    await page.seek(task.start);
    const panel = find('aside');
    panel.scrollTop += Math.max(box.getBoundingClientRect().bottom - panel.getBoundingClientRect().bottom, 0);
  }

  /** @param {string} verdict */
  async answer(verdict) {
    const { page } = this;
    if (!page.task) return;
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
