// Zones, rules and thresholds of the plugin: a form whose effect on the frame that is shown is seen at once.

import { read, write } from './api.js';
import { button, fill, find, make } from './elements.js';
import { rules } from './rules.js';
import { Zones } from './zones.js';

const PREVIEW_AFTER_MS = 250;
const SHARES = { accept_at: 'accept from', drop_below: 'drop below', audit_share: 'audited share' };

export class PluginPanel {
  /** @param {import('./page.js').Page} page @param {string} name */
  constructor(page, name) {
    this.page = page;
    this.zones = new Zones(page, (list) => { this.set('zones', list); this.show(); }, () => this.values.zones ?? []);
    /** @type {any} what the server said: name, file, digest, kinds of rules */
    this.state = null;
    /** @type {Record<string, any>} the values as they would be saved */
    this.values = {};
    this.asked = 0;
    const opener = find('plugin-open');
    opener.hidden = false;
    opener.title = `zones, rules and thresholds of ${name}`;
    opener.addEventListener('click', () => (page.other ? this.close() : this.open().catch((error) => page.fail(error))));
  }

  async open() {
    const { page } = this;
    page.isPlaying = false;
    this.#take(await read('/api/plugin'));
    page.other = this.zones;
    find('plugin-open').setAttribute('aria-expanded', 'true');
    find('labels-panel').hidden = true;
    find('plugin').hidden = false;
    this.zones.use('box');
    this.zones.whenMoved = () => this.preview();
    this.show();
    this.preview();
  }

  close() {
    const { page } = this;
    page.other = null;
    find('plugin-open').setAttribute('aria-expanded', 'false');
    find('labels-panel').hidden = false;
    find('plugin').hidden = true;
    page.stage.ghosts = [];
    this.zones.use('box');
    page.selected = null;
    page.shown = -1;
    page.seek(page.frame);
  }

  /** @param {any} state */
  #take(state) {
    this.state = state;
    this.values = structuredClone(state.values);
  }

  /** Change one value, by its place: "model.score_threshold". An undefined one is taken out. @param {string} place @param {any} value */
  set(place, value) {
    const keys = place.split('.');
    const last = /** @type {string} */ (keys.pop());
    let inside = this.values;
    for (const key of keys) inside = inside[key] ??= {};
    if (value === undefined) delete inside[last]; else inside[last] = value;
    find('plugin-save').disabled = !this.page.project.you.can_write;
    this.preview();
  }

  /** Show what the plugin with these values sees in this frame. */
  preview() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#preview().catch((error) => {
      find('plugin-found').textContent = String(error.message ?? error);
      find('plugin-found').className = 'warn';
    }), PREVIEW_AFTER_MS);
  }

  async #preview() {
    const { page } = this;
    this.asked += 1;
    const [asked, frame] = [this.asked, page.frame];
    const answer = await write('/api/plugin/preview', { video: page.video.id, frame, values: this.values });
    if (asked !== this.asked || !page.other) return; // a newer question is on its way
    page.stage.ghosts = answer.boxes.map((/** @type {any} */ box, /** @type {number} */ row) => ({
      frame, id: row, track: -1, class: 0, xyxy: box.xyxy, visibility: 0, flags: 16, score: box.score, uncertainty: 0,
      look: box.colour, text: `${box.class} ${box.score.toFixed(2)}${box.zones.length ? ` in ${box.zones.join(', ')}` : ''}`,
    }));
    page.stage.drawMarks();
    const events = Object.entries(answer.events).map(([rule, count]) => `${rule} ${count}`).join(', ');
    find('plugin-found').className = '';
    find('plugin-found').textContent = `${answer.boxes.length} boxes in frame ${frame}`
      + (events ? `; events in the labels of this video: ${events}` : '');
  }

  async save() {
    const { page } = this;
    const before = this.state.file;
    this.#take(await write('/api/plugin/save', { values: this.values, digest: this.state.digest }));
    this.show();
    page.say(before === this.state.file ? `saved: ${this.state.file}` : `saved as a plugin of your own: ${this.state.file}`);
  }

  async findEvents() {
    const { page } = this;
    const { events } = await write('/api/plugin/events', { video: page.video.id });
    await page.refreshTimeline();
    page.say(`${events} events stored`);
  }

  /** Draw the form anew. */
  show() {
    const { page, values, state } = this;
    this.zones.show();
    const focus = document.activeElement?.id ?? '';
    const run = (/** @type {() => Promise<void>} */ work) => () => work().catch((error) => page.fail(error));
    find('plugin').replaceChildren(
      make('h2', {}, [`Plugin ${state.name}`]),
      make('p', { className: 'quiet' }, [state.is_own ? state.file : 'This plugin came with framelabel: saving makes a copy beside the project.']),
      make('p', { id: 'plugin-found', role: 'status' }),
      make('div', { className: 'actions' }, [
        button('Save', run(() => this.save()), { id: 'plugin-save', disabled: true }),
        button('Find events anew', run(() => this.findEvents()), { title: 'with the rules as saved' }),
        button('Close', () => this.close()),
      ]),
      this.#zoneList(),
      rules(values, state.rule_kinds, (list) => { this.set('rules', list); this.show(); }),
      this.#thresholds(),
      this.#classes(),
      this.#review(),
    );
    find('plugin-save').disabled = JSON.stringify(values) === JSON.stringify(state.values) || !page.project.you.can_write;
    if (focus) find(focus)?.focus();
  }

  #zoneList() {
    const zones = this.values.zones ?? [];
    const rows = zones.map((/** @type {any} */ zone, /** @type {number} */ row) => {
      const anchor = make('select', { id: `zone-anchor-${row}`, 'aria-label': `which point of a box counts for ${zone.name}` });
      fill(anchor, ['bottom_center', 'center', 'top_center', 'left_center', 'right_center'].map((name) => [name, name.replace('_', ' ')]));
      anchor.value = zone.anchor ?? 'bottom_center';
      anchor.addEventListener('change', () => this.#zone(row, { anchor: anchor.value }));
      const name = make('input', { id: `zone-name-${row}`, value: zone.name, 'aria-label': `name of the ${zone.line ? 'line' : 'zone'}` });
      name.addEventListener('change', () => this.#rename(row, name.value));
      return make('p', { className: 'actions' }, [name, anchor, button('Remove', () => this.zones.remove(row), { 'aria-label': `remove ${zone.name}` })]);
    });
    return make('fieldset', {}, [make('legend', {}, ['Zones and lines']),
      make('p', { className: 'quiet' }, ['Drag a rectangle on the picture, or click corners and end with Enter.']),
      make('div', { className: 'actions' }, [
        button('Draw a zone', () => this.zones.use('polygon')), button('Draw a line', () => this.zones.use('polyline'))]), ...rows]);
  }

  /** @param {number} row @param {object} change */
  #zone(row, change) {
    this.set('zones', this.values.zones.map((/** @type {any} */ zone, /** @type {number} */ at) => (at === row ? { ...zone, ...change } : zone)));
    this.show();
  }

  /** Rules that name the zone follow it. @param {number} row @param {string} name */
  #rename(row, name) {
    const old = this.values.zones[row].name;
    const follow = (/** @type {any} */ value) => (value === old ? name : Array.isArray(value) ? value.map((item) => (item === old ? name : item)) : value);
    if (this.values.rules) {
      this.values.rules = this.values.rules.map((/** @type {any} */ rule) =>
        Object.fromEntries(Object.entries(rule).map(([key, value]) => [key, ['name', 'event', 'kind', 'subject'].includes(key) ? value : follow(value)])));
    }
    this.#zone(row, { name });
  }

  /** A number between 0 and 1 with a slider. @param {string} id @param {string} text @param {number | undefined} value @param {(value: number) => void} changed */
  #share(id, text, value, changed) {
    const input = make('input', { id, type: 'range', min: 0, max: 1, step: 0.01, value: value ?? 0 });
    const shown = make('output', { for: id }, [value === undefined ? 'as the model' : Number(value).toFixed(2)]);
    input.addEventListener('input', () => { shown.textContent = Number(input.value).toFixed(2); changed(Number(input.value)); });
    return make('p', { className: 'field' }, [make('label', { for: id, textContent: text }), input, shown]);
  }

  #thresholds() {
    const { model } = this.values;
    return make('fieldset', {}, [make('legend', {}, ['Thresholds']),
      this.#share('score', 'score', model.score_threshold ?? this.state.defaults.model.score_threshold, (value) => this.set('model.score_threshold', value)),
      ...(model.nms_iou === undefined ? [] : [this.#share('overlap', 'overlap (NMS)', model.nms_iou, (value) => this.set('model.nms_iou', value))])]);
  }

  #classes() {
    const { classes, model } = this.values;
    const rows = classes.map((/** @type {any} */ item, /** @type {number} */ row) => {
      const colour = make('input', { type: 'color', id: `class-colour-${row}`, value: item.colour || '#888888', 'aria-label': `colour of ${item.name}` });
      colour.addEventListener('change', () => this.set('classes', classes.map((/** @type {any} */ other) => (other === item ? { ...other, colour: colour.value } : other))));
      const own = make('input', { type: 'number', id: `class-score-${row}`, min: 0, max: 1, step: 0.01, placeholder: 'score', value: model.class_thresholds?.[item.name] ?? '', 'aria-label': `score threshold of ${item.name}` });
      own.addEventListener('change', () => {
        const kept = { ...model.class_thresholds };
        if (own.value === '') delete kept[item.name]; else kept[item.name] = Number(own.value);
        this.set('model.class_thresholds', Object.keys(kept).length ? kept : undefined);
      });
      return make('p', { className: 'class' }, [colour, make('span', {}, [item.name]), own]);
    });
    return make('fieldset', {}, [make('legend', {}, ['Classes: colour, own score threshold']), ...rows]);
  }

  #review() {
    const review = { ...this.state.defaults.review, ...this.values.review };
    const fields = Object.entries(SHARES).map(([name, text]) =>
      this.#share(`review-${name}`, text, review[name], (value) => this.set(`review.${name}`, value)));
    const answers = make('input', { id: 'review-answers', type: 'number', min: 1, value: review.answers_per_task });
    answers.addEventListener('change', () => this.set('review.answers_per_task', Number(answers.value)));
    const method = make('select', { id: 'review-consensus' });
    fill(method, this.state.consensus.map((/** @type {string} */ name) => [name, name]));
    method.value = review.consensus;
    method.addEventListener('change', () => this.set('review.consensus', method.value));
    return make('fieldset', {}, [make('legend', {}, ['Review']), ...fields,
      make('p', { className: 'field' }, [make('label', { for: 'review-answers', textContent: 'answers a task' }), answers]),
      make('p', { className: 'field' }, [make('label', { for: 'review-consensus', textContent: 'consensus' }), method])]);
  }
}
