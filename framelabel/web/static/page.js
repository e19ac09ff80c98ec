// The page: one place that knows the project, the playhead and the selection, and moves them.

import { read, readBytes, Refusal, frameUrl, write } from './api.js';
import { find, make } from './elements.js';
import { Labels } from './labels.js';
import { trackColour } from './palette.js';
import { Pictures } from './pictures.js';
import { Saving } from './saving.js';
import { Stage } from './stage.js';
import { Timeline } from './timeline.js';

/** @typedef {import('./labels.js').Label} Label */
/** @typedef {import('./stage.js').Drawing} Drawing */
/** @typedef {{id: number, name: string, width: number, height: number, frames: number, fps: number}} Video */

export class Page {
  /** @param {any} project what the server says first: videos, classes, people */
  constructor(project) {
    this.project = project;
    /** @type {Video} */
    this.video = project.videos[0];
    this.frame = 0;
    this.shown = -1;
    this.wanted = 0;
    /** Shows frames until the wanted one is shown; null while nothing is to be shown. @type {Promise<void> | null} */
    this.showing = null;
    /** The last undo or redo that was asked for. @type {Promise<void>} */
    this.stepped = Promise.resolve();
    /** How often what is shown has become outdated. */
    this.revision = 0;
    this.isPlaying = false;
    /** @type {number | null} */
    this.selected = null;
    /** "merge" or "swap" while the other object is still to be clicked */
    this.pending = '';
    /** @type {any} the task that is being answered */
    this.task = null;
    this.seconds = new Float32Array(0);
    /** Called when what is selected or shown has changed. @type {(() => void)[]} */
    this.listeners = [];
    /** Called when labels have changed. @type {(() => void)[]} */
    this.changes = [];
    /** Called when an edit of this person is done (1) or undone (-1). @type {(done: any, by: number, track?: number) => void} */
    this.whenEdited = () => {};
    /** Takes what is drawn and selected instead of the labels, while zones are drawn. @type {any} */
    this.other = null;
    this.saving = new Saving(`${project.name}:${project.you.name}`, {
      say: (text, warn) => this.say(text, warn),
      waiting: (count) => { find('unsaved').textContent = count ? `${count} not saved yet` : ''; },
      saved: () => { this.refresh(0, this.video.frames).catch(() => {}); },
    });
    this.stage = new Stage(find('picture'), find('marks'), {
      drawn: (drawing) => (this.other ? this.other.drawn(drawing) : this.draw(drawing)),
      changed: (label, drawing) => (this.other ? this.other.changed(label, drawing) : this.correct(label, drawing)),
      selected: (label) => (this.other ? this.other.selected(label) : this.pick(label?.track ?? null)),
      colour: (label) => (this.other ? this.other.colour(label) : label.track >= 0 ? trackColour(label.track) : this.project.classes[label.class].colour),
      title: (label) => (this.other ? this.other.title(label) : `${this.project.classes[label.class]?.name ?? '?'} ${label.track >= 0 ? label.track : ''}`),
      canWrite: () => this.project.you.can_write,
      zoomed: () => this.sharpen(),
      hint: (text) => this.say(text),
      drafting: (isOn) => { find('finish').hidden = !isOn; find('takeBack').hidden = !isOn; },
    });
    this.timeline = new Timeline(find('timeline'), {
      seek: (frame) => this.seek(frame),
      select: (track) => this.pick(track),
      colour: (row) => trackColour(row.id),
    });
    this.labels = new Labels(this.video.id);
    this.pictures = new Pictures(this.video);
  }

  /** Begin with a video. @param {number} id */
  async open(id) {
    this.video = this.project.videos.find((/** @type {Video} */ video) => video.id === id) ?? this.project.videos[0];
    this.labels = new Labels(this.video.id);
    this.pictures = new Pictures(this.video);
    find('scrub').max = this.video.frames - 1;
    find('video').value = this.video.id;
    this.selected = null;
    this.shown = -1;
    this.seconds = new Float32Array(0);
    await this.seek(0);
    this.refreshTimeline();
    this.fillStrip();
    const { labels } = this;
    readBytes(`/api/videos/${this.video.id}/seconds`).then((data) => {
      if (labels !== this.labels) return; // another video was opened meanwhile
      this.seconds = new Float32Array(data);
      this.tell();
    }, () => {});
  }

  /** Show a frame; while one is on its way, only the newest request counts. @param {number} frame */
  async seek(frame) {
    this.wanted = Math.min(Math.max(frame, 0), this.video.frames - 1);
    if (this.wanted !== this.shown) this.showing ??= this.#show();
    await this.showing;
  }

  async #show() {
    await null; // `showing` is set from here on
    try {
      while (this.wanted !== this.shown) {
        const target = this.wanted;
        const { labels, pictures, video, revision } = this;
        pictures.want(Math.min(this.stage.canvas.width * this.stage.zoom, video.width));
        const [image, found] = await Promise.all([pictures.at(target), labels.at(target)]);
        if (pictures !== this.pictures) continue; // another video was opened meanwhile
        this.frame = target;
        this.shown = revision === this.revision ? target : -1; // changed on its way: shown, and fetched once more
        pictures.show(image);
        if (this.other) this.other.moved(image, target);
        else {
          this.stage.selected = this.selected;
          this.stage.show(image, [video.width, video.height], found);
        }
        this.stage.canvas.dataset.frame = String(target);
        this.tell();
      }
    } catch (error) {
      this.isPlaying = false;
      this.wanted = this.shown < 0 ? this.frame : this.shown;
      this.fail(error);
    } finally {
      this.showing = null;
    }
  }

  /** What is shown is outdated: fetch it anew. */
  #again() {
    this.revision += 1;
    this.shown = -1;
    return this.seek(this.wanted);
  }

  /** Fetch a picture with more detail when the view has come nearer. */
  sharpen() {
    clearTimeout(this.sharpening);
    this.sharpening = setTimeout(() => {
      if (this.shown < 0 || !this.pictures.want(Math.min(this.stage.canvas.width * this.stage.zoom, this.video.width))) return;
      this.#again();
    }, 200);
  }

  /** Fetch what changed and show it. @param {number} start @param {number} stop @param {number[]} [tracks] all when not given */
  async refresh(start, stop, tracks) {
    this.labels.forget(start, stop);
    await this.#again();
    await this.refreshTimeline(tracks);
  }

  /** @param {number[]} [tracks] only these rows have changed */
  async refreshTimeline(tracks) {
    const { video } = this;
    try {
      const query = tracks ? `?tracks=${tracks.join(',')}` : '';
      const answer = await read(`/api/videos/${video.id}/timeline${query}`);
      if (video !== this.video) return;
      if (tracks) this.timeline.replace(tracks, answer.tracks);
      else this.timeline.show(answer, video.frames);
    } catch (error) {
      if (error instanceof Refusal) this.fail(error);
      return; // the server is away; the page fetches anew when it is back
    }
    for (const listener of this.changes) listener();
  }

  /** Thumbnails of frames that are quick to decode, evenly over the video. */
  async fillStrip() {
    const { video } = this;
    const frames = await read(`/api/videos/${video.id}/strip`).catch(() => []);
    if (video !== this.video) return;
    find('strip').replaceChildren(...frames.map((/** @type {number} */ frame) => make('img', {
      loading: 'lazy', alt: '', title: `frame ${frame}`, src: frameUrl(video.id, frame, 160, true), onclick: () => this.seek(frame),
    })));
  }

  /** @param {number | null} track */
  pick(track) {
    if (this.pending && track !== null && this.selected !== null && track !== this.selected) {
      const action = this.pending;
      this.pending = '';
      this.join(action, this.selected, track).catch((error) => this.fail(error));
      return;
    }
    this.selected = track;
    this.stage.selected = track;
    this.timeline.selected = track;
    this.timeline.reveal();
    this.stage.drawMarks();
    this.tell();
  }

  /** Merge or swap. @param {string} action @param {number} track @param {number} other */
  async join(action, track, other) {
    if (other < 0) { this.say(`that label belongs to no object: change it first, then ${action}`, true); return null; }
    const done = await this.edit({ action, track, other, frame: this.frame }, true);
    if (!done?.conflict) return done;
    const frames = done.conflict;
    const question = `Both have a box in ${frames.length} frames (first: ${frames[0]}). Keep those of ${track}?`;
    return window.confirm(question) ? this.edit({ action, track, other, force: true }) : null;
  }

  /** @param {Drawing} drawing */
  async draw(drawing) {
    const done = await this.edit({ action: 'box', frame: this.frame, class: find('class').value, ...drawing });
    return done;
  }

  /** @param {Label} label @param {Drawing} drawing */
  correct(label, drawing) {
    return this.edit({ action: 'box', track: label.track, frame: this.frame, ...drawing });
  }

  /**
   * Send an edit and show what it changed; one that cannot be saved is kept for retry and said.
   * @param {any} content @param {boolean} [passConflict] hand a conflict back instead of saying it
   */
  async edit(content, passConflict = false) {
    const isAlone = content.track < 0; // the server makes an object of the label first
    const body = { video: this.video.id, frame: this.frame, ...content, ...(isAlone ? { track: null, label: -1 - content.track } : {}) };
    const { selected } = this;
    try {
      const done = await this.saving.send('/api/edit', body);
      if (!done) return null;
      this.whenEdited(done, 1, content.track);
      // a person who has picked something else meanwhile keeps it
      if (done.track !== null && (isAlone || content.action === 'box') && this.selected === selected) this.pick(done.track);
      await this.refresh(done.start, done.stop, done.tracks);
      this.say(done.title);
      return done;
    } catch (error) {
      if (passConflict && error instanceof Refusal && error.content?.conflict) return error.content;
      this.fail(error);
      await this.refresh(this.frame, this.frame + 1, []);
      return null;
    }
  }

  /** Undo or redo; keys pressed faster than the server answers are done one after another. @param {'undo' | 'redo'} way */
  step(way) {
    const next = this.stepped.then(() => this.#step(way));
    this.stepped = next.catch(() => {});
    return next;
  }

  /** @param {'undo' | 'redo'} way */
  async #step(way) {
    const done = await write(`/api/${way}`, {});
    if (!done.title) { this.say(`nothing to ${way}`); return; }
    this.whenEdited(done, way === 'undo' ? -1 : 1);
    if (done.video === this.video.id) await this.refresh(done.start, done.stop, done.tracks);
    this.say(`${way}: ${done.title}`);
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

  /** Say where we are; panels say the rest. */
  tell() {
    find('frame-number').textContent = `${this.frame} of ${this.video.frames}`;
    find('scrub').value = this.frame;
    find('scrub').setAttribute('aria-valuetext', `frame ${this.frame} of ${this.video.frames}`);
    find('frame-time').textContent = this.frame < this.seconds.length ? `${this.seconds[this.frame].toFixed(3)} s` : '';
    this.timeline.frame = this.frame;
    this.timeline.draw();
    for (const listener of this.listeners) listener();
  }

  /** @param {unknown} error */
  fail(error) {
    this.say(error instanceof TypeError ? 'the server does not answer' : String(error instanceof Error ? error.message : error), true);
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
