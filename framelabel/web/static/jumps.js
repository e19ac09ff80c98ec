// Where to go next: suggested labels, findings, proposals to join two objects; and how far the work has come.

import { read } from './api.js';
import { button, find, make } from './elements.js';

export class Jumps {
  /** @param {import('./page.js').Page} page */
  constructor(page) {
    this.page = page;
    /** Two objects that may be one, while the question is open. @type {any} */
    this.proposal = null;
    /** Proposals that were answered with no, by video. @type {Set<string>} */
    this.refused = new Set();
    page.changes.push(() => this.measure());
  }

  /** Say how many boxes people drew and how good the labels are expected to be. */
  async measure() {
    const { page } = this;
    let [drawn, boxes, doubt] = [0, 0, 0];
    for (const row of page.timeline.rows) {
      drawn += row.keyframes.length;
      for (const [start, stop, kind, percent] of row.spans) {
        if (kind === 3) continue;
        boxes += stop - start;
        doubt += percent * (stop - start);
      }
    }
    const overlap = boxes ? 100 - doubt / boxes : 100;
    find('effort').textContent = `${drawn} boxes drawn, ${boxes} labels, expected overlap ${overlap.toFixed(1)} %`;
    find('quality').value = overlap;
    find('events').replaceChildren(...page.timeline.events.slice(0, 50).map((event) => make('li', {}, [
      button(`${event.name} ${event.start}–${event.stop - 1}`, () => { page.pick(event.actors[0] ?? null); page.seek(event.evidence); }),
    ])));
    const { video } = page;
    const found = await read(`/api/videos/${video.id}/suggestions`).catch(() => null);
    if (!found || video !== page.video) return;
    find('suggestion').textContent = drawn ? found.sentence : 'Draw a box: what is known of it tells where the next one helps most.';
  }

  /** Go to the frame and object whose box puts most right. */
  async suggested() {
    const { page } = this;
    const { suggestions, sentence } = await read(`/api/videos/${page.video.id}/suggestions`);
    const at = suggestions.findIndex((/** @type {any} */ item) => item.frame === page.frame && item.track === page.selected);
    const next = suggestions[(at + 1) % (suggestions.length || 1)];
    if (!next) { page.say(sentence); return; }
    page.pick(next.track);
    await page.seek(next.frame);
    page.say(`label this frame next: puts about ${next.gain.toFixed(1)} boxes right; ${sentence}`);
  }

  /** Go to the next thing that looks wrong behind the playhead; from the start when there is none. */
  async finding() {
    const { page } = this;
    const found = await read(`/api/videos/${page.video.id}/findings`);
    const later = (/** @type {any} */ item) => item.frame > page.frame || (item.frame === page.frame && item.track > (page.selected ?? -1));
    const next = found.find(later) ?? found[0];
    if (!next) { page.say('nothing looks wrong'); return; }
    page.pick(next.track >= 0 ? next.track : null);
    await page.seek(next.frame);
    page.say(`${next.kind}: ${next.message}`);
  }

  /** Show the likeliest two objects that may be one. */
  async stitch() {
    const { page } = this;
    if (this.proposal) this.refused.add(this.#name(this.proposal)); // asked for another, so this one was refused
    const found = await read(`/api/videos/${page.video.id}/stitches`);
    const next = found.find((/** @type {any} */ item) => !this.refused.has(this.#name(item)));
    this.proposal = next ?? null;
    if (!next) { find('proposal').replaceChildren(); page.say('no two objects look like one'); return; }
    page.pick(next.other);
    await page.seek(next.first_frame);
    const text = `${next.class_name} ${next.kept} (last seen in frame ${next.last_frame}) and ${next.other} (from frame `
      + `${next.first_frame}): one object with probability ${(100 * next.score).toFixed(0)} %`;
    find('proposal').replaceChildren(make('p', {}, [text]), make('div', { className: 'actions' }, [
      button('Join (Enter)', () => this.accept()),
      button('Not one (r)', () => this.reject()),
      button('See where it ends', () => { page.pick(next.kept); page.seek(next.last_frame); }),
    ]));
    page.say(text);
  }

  async accept() {
    const { proposal } = this;
    this.proposal = null;
    find('proposal').replaceChildren();
    if (proposal) await this.page.join('merge', proposal.kept, proposal.other);
  }

  async reject() {
    if (this.proposal) this.refused.add(this.#name(this.proposal));
    this.proposal = null;
    await this.stitch();
  }

  /** @param {any} proposal */
  #name(proposal) {
    return `${this.page.video.id}:${proposal.kept}:${proposal.other}`;
  }
}
