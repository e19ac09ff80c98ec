// The page: one place that knows the project, the playhead and the selection, and moves them.

import { frameUrl, listen, read, readBytes, Refusal, write } from './api.js';
import { listenToKeys, sheet } from './keys.js';
import { ABSENT, KEYFRAME, Labels } from './labels.js';
import { Stage } from './stage.js';
import { Timeline } from './timeline.js';

/** @typedef {import('./labels.js').Label} Label */

const find = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The same hues as the server draws with: ids step by the golden ratio (OKLCH). @param {number} track */
const trackColour = (track) =>
  `oklch(${track % 2 ? 0.82 : 0.68} 0.15 ${((track * 0.61803398875) % 1) * 360})`;

class Page {
  /** @param {any} project */
  constructor(project) {
    this.project = project;
    this.video = project.videos[0];
    this.frame = 0;
    this.shown = -1;
    this.wanted = 0;
    this.isBusy = false;
    this.isPlaying = false;
    /** @type {number | null} */
    this.selected = null;
    this.pending = '';
    /** @type {any} */
    this.task = null;
    this.taskShownAt = 0;
    this.seconds = new Float32Array(0);
    /** @type {{path: string, content: object}[]} */
    this.unsaved = [];
    this.stage = new Stage(find('picture'), {
      drawn: (xyxy) => this.drawBox(xyxy),
      changed: (label, xyxy) => this.edit({ action: 'box', track: label.track, frame: this.frame, xyxy }),
      selected: (label) => this.pick(label?.track ?? null),
      colour: (label) => (label.track >= 0 ? trackColour(label.track) : this.project.classes[label.class].colour),
      title: (label) => `${this.project.classes[label.class]?.name ?? '?'} ${label.track >= 0 ? label.track : ''}`,
      canWrite: () => this.project.you.can_write,
    });
    this.timeline = new Timeline(find('timeline'), {
      seek: (frame) => this.seek(frame),
      select: (track) => this.pick(track),
      colour: (row) => trackColour(row.id),
    });
    this.labels = new Labels(this.video.id);
  }

  /** Begin with a video. @param {number} id */
  async open(id) {
    this.video = this.project.videos.find((/** @type {any} */ video) => video.id === id) ?? this.project.videos[0];
    this.labels = new Labels(this.video.id);
    find('scrub').max = this.video.frames - 1;
    this.selected = null;
    this.shown = -1;
    await this.seek(0);
    this.refreshTimeline();
    this.fillStrip();
    readBytes(`/api/videos/${this.video.id}/seconds`).then((data) => { this.seconds = new Float32Array(data); this.tell(); }, () => {});
  }

  /** Show a frame; while one is on its way, only the newest request counts. @param {number} frame */
  async seek(frame) {
    this.wanted = Math.min(Math.max(frame, 0), this.video.frames - 1);
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      while (this.wanted !== this.shown) {
        const target = this.wanted;
        const stage = this.stage.canvas;
        const width = Math.min(stage.width * this.stage.zoom, this.video.width);
        const answer = fetch(frameUrl(this.video.id, target, width));
        const [picture, labels] = await Promise.all([answer, this.labels.at(target)]);
        if (!picture.ok) throw new Refusal(picture.status, (await picture.text()).slice(0, 200), null);
        if (Number(picture.headers.get('x-frame')) !== target) throw new Error('the server sent another frame');
        const image = await createImageBitmap(await picture.blob());
        this.frame = target;
        this.shown = target;
        this.stage.selected = this.selected;
        this.stage.show(image, [this.video.width, this.video.height], labels);
        stage.dataset.frame = String(target);
        this.tell();
      }
    } catch (error) {
      this.isPlaying = false;
      this.wanted = this.shown;
      this.say(String(error instanceof Error ? error.message : error), true);
    } finally {
      this.isBusy = false;
    }
  }

  /** Fetch what changed and show it. @param {number} start @param {number} stop */
  async refresh(start, stop) {
    this.labels.forget(start, stop);
    this.shown = -1;
    await this.seek(this.frame);
    this.refreshTimeline();
  }

  async refreshTimeline() {
    let facts;
    try {
      facts = await read(`/api/videos/${this.video.id}/timeline`);
    } catch (error) {
      if (error instanceof Refusal) this.say(error.message, true);
      return; // the server is away; the page fetches anew when it is back
    }
    this.timeline.show(facts, this.video.frames);
    const drawn = facts.tracks.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + row.keyframes.length, 0);
    const boxes = facts.tracks.reduce((/** @type {number} */ sum, /** @type {any} */ row) =>
      sum + row.spans.reduce((/** @type {number} */ part, /** @type {number[]} */ span) => part + (span[2] === 3 ? 0 : span[1] - span[0]), 0), 0);
    const doubt = facts.tracks.reduce((/** @type {number} */ sum, /** @type {any} */ row) =>
      sum + row.spans.reduce((/** @type {number} */ part, /** @type {number[]} */ span) => part + span[3] * (span[1] - span[0]), 0), 0);
    const expected = boxes ? 100 - doubt / boxes : 100;
    find('effort').textContent = `${drawn} boxes drawn, ${boxes} labels, expected overlap ${expected.toFixed(1)} %`;
    const list = find('events');
    list.replaceChildren(...facts.events.slice(0, 50).map((/** @type {any} */ event) => {
      const item = document.createElement('li');
      const link = document.createElement('button');
      link.textContent = `${event.name} ${event.start}–${event.stop - 1}`;
      link.addEventListener('click', () => { this.pick(event.actors[0] ?? null); this.seek(event.evidence); });
      item.append(link);
      return item;
    }));
  }

  fillStrip() {
    const count = Math.min(16, this.video.frames);
    find('strip').replaceChildren(...Array.from({ length: count }, (_, number) => {
      const frame = Math.floor((number + 0.5) * this.video.frames / count);
      const image = document.createElement('img');
      image.loading = 'lazy';
      image.alt = '';
      image.src = frameUrl(this.video.id, frame, 160, true);
      image.addEventListener('click', () => this.seek(frame));
      return image;
    }));
  }

  /** @param {number | null} track */
  pick(track) {
    if (this.pending && track !== null && this.selected !== null && track !== this.selected) {
      const action = this.pending;
      this.pending = '';
      this.join(action, this.selected, track);
      return;
    }
    this.selected = track;
    this.stage.selected = track;
    this.timeline.selected = track;
    this.stage.draw();
    this.tell();
  }

  /** Merge or swap. @param {string} action @param {number} track @param {number} other */
  async join(action, track, other) {
    try {
      await this.edit({ action, track, other, frame: this.frame }, true);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 409) throw error;
      const frames = error.content.conflict;
      const question = `Both have a box in ${frames.length} frames (first: ${frames[0]}). Keep those of ${track}?`;
      if (window.confirm(question)) await this.edit({ action, track, other, force: true });
    }
  }

  /** Send an edit; one that cannot be sent is kept for retry and said. @param {any} content @param {boolean} [passConflict] */
  async edit(content, passConflict = false) {
    const body = { video: this.video.id, ...content };
    try {
      const done = await write('/api/edit', body);
      if (done.track !== null && content.action === 'box') this.pick(done.track);
      await this.refresh(done.start, done.stop);
      this.say(done.title);
      return done;
    } catch (error) {
      if (error instanceof Refusal) {
        if (passConflict && error.status === 409) throw error;
        this.say(error.message, true);
        await this.refresh(this.frame, this.frame + 1);
      } else {
        this.unsaved.push({ path: '/api/edit', content: body });
        this.say(`not saved yet: the server does not answer (${this.unsaved.length} waiting)`, true);
      }
      return null;
    }
  }

  /** Send what could not be sent. */
  async retry() {
    while (this.unsaved.length) {
      const { path, content } = this.unsaved[0];
      try {
        await write(path, content);
      } catch (error) {
        if (!(error instanceof Refusal)) return;
        this.say(`could not be saved: ${error.message}`, true);
      }
      this.unsaved.shift();
      if (!this.unsaved.length) { this.say('everything is saved'); await this.refresh(0, this.video.frames); }
    }
  }

  /** @param {number[]} xyxy */
  drawBox(xyxy) {
    const chosen = find('class').value;
    this.edit({ action: 'box', frame: this.frame, xyxy, class: chosen });
  }

  /** @param {string} name @param {KeyboardEvent | null} event */
  async act(name, event) {
    const shift = Boolean(event?.shiftKey);
    const label = this.stage.current();
    const track = this.selected;
    const step = shift ? 10 : 1;
    const needsTrack = ['split', 'merge', 'swap', 'keyframe', 'copy', 'propagate', 'occluded', 'absent', 'accept', 'delete'];
    if (needsTrack.includes(name) && track === null && !(this.task && name === 'accept')) {
      this.say('select an object first');
      return;
    }
    switch (name) {
      case 'forward': this.seek(this.wanted + step); break;
      case 'back': this.seek(this.wanted - step); break;
      case 'first': this.seek(0); break;
      case 'last': this.seek(this.video.frames - 1); break;
      case 'play': this.play(); break;
      case 'fit': this.stage.fit(); break;
      case 'cancel': this.pending = ''; this.pick(null); break;
      case 'help': find('sheet').showModal(); break;
      case 'undo': await this.step(shift ? 'redo' : 'undo'); break;
      case 'task': await this.nextTask(); break;
      case 'reject': if (this.task) await this.answer(this.task.choices[1] ?? 'reject'); break;
      case 'uncertain': {
        const found = await read(`/api/videos/${this.video.id}/uncertain?after=${this.frame}`);
        if (found) { this.pick(found.track); await this.seek(found.frame); } else this.say('nothing is uncertain');
        break;
      }
      case 'event': {
        const next = this.timeline.events.find((item) => item.evidence > this.frame) ?? this.timeline.events[0];
        if (next) { this.pick(next.actors[0] ?? null); await this.seek(next.evidence); } else this.say('no events');
        break;
      }
      case 'keyframe': {
        const row = this.timeline.rows.find((item) => item.id === track);
        const next = row?.keyframes.find((frame) => frame > this.frame) ?? row?.keyframes[0];
        if (next === undefined) this.say('no keyframe'); else await this.seek(next);
        break;
      }
      case 'next': {
        const list = this.stage.labels;
        const at = list.findIndex((item) => item.track === track);
        if (list.length) this.pick(list[(at + 1) % list.length].track);
        break;
      }
      case 'accept':
        if (this.task) await this.answer(this.task.choices[0] ?? 'accept');
        else if (label) await this.edit({ action: 'box', track, frame: this.frame, xyxy: label.xyxy, visibility: label.visibility });
        break;
      case 'copy':
        if (label && this.frame + 1 < this.video.frames) {
          await this.edit({ action: 'box', track, frame: this.frame + 1, xyxy: label.xyxy });
          await this.seek(this.frame + 1);
        }
        break;
      case 'propagate': {
        this.say('carrying…');
        const [start, stop] = shift ? [this.frame - 100, this.frame + 1] : [this.frame, this.frame + 101];
        await this.edit({ action: 'propagate', track, start: Math.max(start, 0), stop: Math.min(stop, this.video.frames) });
        break;
      }
      case 'occluded':
        if (label) {
          const visibility = label.visibility === 1 ? 0 : 1;
          await this.edit({ action: 'box', track, frame: this.frame, xyxy: label.xyxy, visibility });
        }
        break;
      case 'absent': await this.edit({ action: 'delete', track, start: this.frame, stop: this.video.frames }); break;
      case 'delete':
        if (shift) await this.edit({ action: 'delete', track });
        else await this.edit({ action: 'delete', track, start: this.frame, stop: this.frame + 1 });
        break;
      case 'split': await this.edit({ action: 'split', track, frame: this.frame }); break;
      case 'merge': case 'swap':
        this.pending = name;
        this.say(`click the object to ${name} ${track} with (Esc to leave)`);
        break;
      case 'class': {
        const chosen = this.project.classes[Number(event?.key) - 1];
        if (!chosen) break;
        find('class').value = chosen.name;
        if (track !== null) await this.edit({ action: 'class', track, class: chosen.name });
        break;
      }
      default: throw new Error(`no such action: ${name}`);
    }
  }

  /** @param {'undo' | 'redo'} way */
  async step(way) {
    try {
      const done = await write(`/api/${way}`, {});
      if (!done.title) { this.say(`nothing to ${way}`); return; }
      if (done.video === this.video.id) await this.refresh(done.start, done.stop);
      this.say(`${way}: ${done.title}`);
    } catch (error) {
      this.say(String(error instanceof Error ? error.message : error), true);
    }
  }

  /** Play in the clip's own time: frames that come too late are left out, never shown late under a wrong number. */
  play() {
    this.isPlaying = !this.isPlaying;
    find('play').textContent = this.isPlaying ? 'Pause' : 'Play';
    const begun = performance.now();
    const from = this.frame;
    const at = (/** @type {number} */ frame) => this.seconds[frame] ?? frame / (this.video.fps || 25);
    const turn = () => {
      if (!this.isPlaying) { find('play').textContent = 'Play'; return; }
      const time = at(from) + (performance.now() - begun) / 1000 * Number(find('speed').value);
      let target = this.wanted;
      while (target + 1 < this.video.frames && at(target + 1) <= time) target += 1;
      if (target !== this.wanted) this.seek(target);
      if (target === this.video.frames - 1) this.isPlaying = false;
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }

  async nextTask() {
    const answer = await write('/api/task', {});
    this.task = answer.task;
    this.taskShownAt = performance.now();
    const box = find('task');
    if (!this.task) { box.textContent = 'The queue is empty.'; return; }
    const text = document.createElement('p');
    text.textContent = `${this.task.question || `Is this ${this.task.kind} right?`} (${this.task.reason}; ${answer.open} open)`;
    const actions = document.createElement('div');
    actions.className = 'actions';
    const choices = this.task.choices.length ? this.task.choices : ['accept', 'reject', 'fix', 'skip'];
    for (const choice of choices) {
      const button = document.createElement('button');
      button.textContent = choice;
      button.addEventListener('click', () => this.answer(choice));
      actions.append(button);
    }
    box.replaceChildren(text, actions);
    if (this.task.video !== this.video.id) await this.open(this.task.video);
    this.pick(this.task.track_id >= 0 ? this.task.track_id : null);
    await this.seek(this.task.start);
  }

  /** @param {string} verdict */
  async answer(verdict) {
    const seconds = (performance.now() - this.taskShownAt) / 1000;
    const content = { task: this.task.id, verdict, seconds };
    try {
      await write('/api/answer', content);
    } catch (error) {
      if (error instanceof Refusal) { this.say(error.message, true); return; }
      this.unsaved.push({ path: '/api/answer', content });
      this.say(`not saved yet: the server does not answer (${this.unsaved.length} waiting)`, true);
    }
    await this.nextTask().catch(() => {});
  }

  /** Say where we are and what is selected. */
  tell() {
    find('frame-number').textContent = `${this.frame} of ${this.video.frames}`;
    find('scrub').value = this.frame;
    find('frame-time').textContent = this.seconds.length ? `${this.seconds[this.frame].toFixed(3)} s` : '';
    this.timeline.frame = this.frame;
    this.timeline.draw();
    const label = this.stage.current();
    const box = find('selection');
    if (this.selected === null) { box.textContent = 'Nothing selected. Drag to draw a box; press ? for all keys.'; return; }
    const list = document.createElement('dl');
    const facts = [['object', String(this.selected)]];
    if (label) {
      const [x1, y1, x2, y2] = label.xyxy;
      facts.push(
        ['class', this.project.classes[label.class]?.name ?? '?'],
        ['box', `${x1.toFixed(1)}, ${y1.toFixed(1)} – ${x2.toFixed(1)}, ${y2.toFixed(1)}`],
        ['made by', label.flags & KEYFRAME ? 'a person' : label.score ? `the model (${label.score.toFixed(2)})` : 'propagation'],
        ['expected overlap', `${Math.round((1 - label.uncertainty) * 100)} %`],
        ['state', ['visible', 'occluded', 'absent', 'lost'][label.visibility]],
        ...Object.entries(label.attributes ?? {}).map(([name, value]) => [name, String(value)]),
      );
    } else facts.push(['here', 'no box in this frame']);
    for (const [name, value] of facts) {
      const term = document.createElement('dt');
      const text = document.createElement('dd');
      term.textContent = name;
      text.textContent = value;
      list.append(term, text);
    }
    const actions = document.createElement('div');
    actions.className = 'actions';
    if (this.project.you.can_write) {
      for (const [name, text] of [['accept', 'Accept'], ['propagate', 'Carry on'], ['split', 'Split'], ['merge', 'Merge'], ['swap', 'Swap'], ['delete', 'Remove']]) {
        const button = document.createElement('button');
        button.textContent = text;
        button.addEventListener('click', () => this.act(name, null));
        actions.append(button);
      }
    }
    box.replaceChildren(list, actions);
  }

  /** @param {string} text @param {boolean} [warn] */
  say(text, warn = false) {
    const box = find('message');
    box.textContent = text;
    box.className = warn ? 'shown warn' : 'shown';
    clearTimeout(this.hush);
    if (!warn) this.hush = setTimeout(() => { box.className = ''; }, 2500);
  }
}

async function begin() {
  const project = await read('/api/project');
  find('name').textContent = project.name;
  document.title = `${project.name} – framelabel`;
  const fill = (/** @type {string} */ id, /** @type {[any, string][]} */ entries) =>
    find(id).replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  fill('video', project.videos.map((/** @type {any} */ video) => [video.id, video.name]));
  fill('class', project.classes.map((/** @type {any} */ item) => [item.name, item.name]));
  fill('format', project.formats.map((/** @type {string} */ name) => [name, name]));
  if (!project.videos.length) { find('message').textContent = 'This project holds no video yet.'; find('message').className = 'shown'; return; }
  const page = new Page(project);
  Object.assign(window, { framelabel: page });
  find('video').addEventListener('change', (/** @type {any} */ event) => page.open(Number(event.target.value)));
  find('scrub').addEventListener('input', (/** @type {any} */ event) => page.seek(Number(event.target.value)));
  find('export').addEventListener('click', () => { window.location.href = `/api/export/${find('format').value}`; });
  for (const name of ['back', 'forward', 'play', 'uncertain', 'undo', 'redo', 'help']) {
    find(name).addEventListener('click', () => (name === 'redo' ? page.step('redo') : page.act(name, null)));
  }
  const close = document.createElement('form');
  close.method = 'dialog';
  const button = document.createElement('button');
  button.textContent = 'Close';
  close.append(button);
  find('sheet').append(sheet(), close);
  listenToKeys((name, event) => page.act(name, event).catch((error) => page.say(String(error.message ?? error), true)));
  listen({
    changed: (facts) => {
      if (facts.video === page.video.id && facts.by !== project.you.name) page.refresh(facts.start, facts.stop);
    },
    presence: ({ names }) => { find('present').textContent = names.length > 1 ? `here: ${names.join(', ')}` : ''; },
    answer: () => {},
  }, (isHere) => {
    if (isHere) page.retry();
    else page.say('the server does not answer; what you do is kept and sent when it is back', true);
  });
  await page.open(project.videos[0].id);
  document.body.dataset.ready = 'yes';
}

begin().catch((error) => {
  find('message').textContent = String(error.message ?? error);
  find('message').className = 'shown warn';
});
