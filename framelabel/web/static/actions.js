// What keys and buttons do: one function a name, as the table in keys.js names them.

import { read } from './api.js';
import { find } from './elements.js';
import { TRUNCATED } from './labels.js';

/** @typedef {import('./page.js').Page} Page */
/** @typedef {import('./jumps.js').Jumps} Jumps */
/** @typedef {import('./queue.js').Queue} Queue */

const NEEDS_OBJECT = new Set([
  'split', 'merge', 'swap', 'keyframe', 'copy', 'propagate', 'occluded', 'truncated', 'absent', 'accept', 'delete',
]);
const CARRIED = 100;

/**
 * @param {Page} page @param {Jumps} jumps @param {Queue} queue
 * @returns {(name: string, event: KeyboardEvent | null) => Promise<void>}
 */
export function actions(page, jumps, queue) {
  /** The label of the selected object in this frame, sent again with something changed. @param {object} change */
  const again = async (change) => {
    const label = page.stage.current();
    if (label) await page.edit({ action: 'box', track: label.track, frame: page.frame, xyxy: label.xyxy, visibility: label.visibility, ...change });
    else page.say('no box in this frame');
  };

  /** @type {Record<string, (event: KeyboardEvent | null) => any>} */
  const table = {
    forward: (event) => page.seek(page.wanted + (event?.shiftKey ? 10 : 1)),
    back: (event) => page.seek(page.wanted - (event?.shiftKey ? 10 : 1)),
    first: () => page.seek(0),
    last: () => page.seek(page.video.frames - 1),
    play: () => page.play(),
    fit: () => page.stage.fit(),
    help: () => {
      find('sheet').showModal();
      find('sheet').scrollTop = 0; // the button that has the focus is at its end
    },
    undo: (event) => page.step(event?.shiftKey ? 'redo' : 'undo'),
    redo: () => page.step('redo'),
    task: () => queue.next(),
    takeBack: () => page.stage.takeBack(false),
    uncertain: async () => {
      const found = await read(`/api/videos/${page.video.id}/uncertain?after=${page.frame}`);
      if (found) { page.pick(found.track); await page.seek(found.frame); } else page.say('nothing is uncertain');
    },
    suggested: () => jumps.suggested(),
    finding: () => jumps.finding(),
    stitch: () => jumps.stitch(),
    event: async () => {
      const { events } = page.timeline;
      const next = events.find((item) => item.evidence > page.frame) ?? events[0];
      if (next) { page.pick(next.actors[0] ?? null); await page.seek(next.evidence); } else page.say('no events');
    },
    keyframe: async () => {
      const row = page.timeline.rows.find((item) => item.id === page.selected);
      const next = row?.keyframes.find((frame) => frame > page.frame) ?? row?.keyframes[0];
      if (next === undefined) page.say('no keyframe'); else await page.seek(next);
    },
    next: () => {
      const list = page.stage.labels;
      const at = list.findIndex((item) => item.track === page.selected);
      if (list.length) page.pick(list[(at + 1) % list.length].track);
    },
    accept: async () => {
      if (jumps.proposal) await jumps.accept();
      else if (page.task) await queue.answer(queue.agreed);
      else await again({});
    },
    reject: async () => {
      if (jumps.proposal) await jumps.reject();
      else if (page.task) await queue.answer(queue.choices[1]);
    },
    fix: () => queue.answer('fix'),
    skip: () => queue.answer('skip'),
    copy: async () => {
      const label = page.stage.current();
      if (!label || page.frame + 1 >= page.video.frames) return;
      await page.edit({ action: 'box', track: label.track, frame: page.frame + 1, xyxy: label.xyxy, visibility: label.visibility });
      await page.seek(page.frame + 1);
    },
    propagate: async (event) => {
      page.say('carrying…');
      const [start, stop] = event?.shiftKey ? [page.frame - CARRIED, page.frame + 1] : [page.frame, page.frame + CARRIED + 1];
      await page.edit({ action: 'propagate', track: page.selected, start: Math.max(start, 0), stop: Math.min(stop, page.video.frames) });
    },
    occluded: () => again({ visibility: page.stage.current()?.visibility === 1 ? 0 : 1 }),
    truncated: () => again({ truncated: !((page.stage.current()?.flags ?? 0) & TRUNCATED) }),
    absent: () => page.edit({ action: 'delete', track: page.selected, start: page.frame, stop: page.video.frames }),
    delete: (event) => page.edit({
      action: 'delete', track: page.selected, ...(event?.shiftKey ? {} : { start: page.frame, stop: page.frame + 1 }),
    }),
    split: () => page.edit({ action: 'split', track: page.selected, frame: page.frame }),
    class: async (event) => {
      const row = Number(event?.key) - 1;
      if (queue.isNamed) { await queue.answer(queue.choices[row] ?? ''); return; }
      const chosen = page.project.classes[row];
      if (!chosen) return;
      find('class').value = chosen.name;
      if (page.selected !== null) await page.edit({ action: 'class', track: page.selected, class: chosen.name });
    },
    cancel: () => {
      if (page.stage.takeBack(true)) return;
      page.pending = '';
      jumps.proposal = null;
      page.pick(null);
    },
  };
  for (const name of ['merge', 'swap']) {
    table[name] = () => {
      page.pending = name;
      page.say(`click the object to ${name} ${page.selected} with (Esc to leave)`);
    };
  }
  for (const name of /** @type {const} */ (['box', 'polygon', 'polyline', 'points'])) {
    table[name] = () => {
      find('tool').value = name;
      page.stage.use(name);
    };
  }

  return async (name, event) => {
    if (!table[name]) throw new Error(`no such action: ${name}`);
    if (name === 'accept' && page.stage.finish()) return;
    if (page.other && !['cancel', 'takeBack', 'help', 'fit', 'forward', 'back', 'first', 'last', 'play', 'box', 'polygon', 'polyline', 'points'].includes(name)) {
      page.other.act(name);
      return;
    }
    const isAnswer = name === 'accept' && (page.task || jumps.proposal);
    if (NEEDS_OBJECT.has(name) && page.selected === null && !isAnswer) {
      page.say('select an object first');
      return;
    }
    try {
      await table[name](event);
    } catch (error) {
      page.fail(error);
    }
  };
}
