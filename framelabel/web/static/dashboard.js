// The dashboard: how much is labelled, how good it is, and who did how much how fast. Follows what happens.

import { listen, read } from './api.js';
import { fillFormats, find, make } from './elements.js';

const AGAIN_MS = 1000;

const number = (/** @type {number | null} */ value, digits = 0) => (value === null || value === undefined ? '–' : value.toLocaleString('en', { maximumFractionDigits: digits }));
const percent = (/** @type {number | null} */ value) => (value === null || value === undefined ? '–' : `${(100 * value).toFixed(1)} %`);

/** @param {string} caption @param {string[]} head @param {(string | Node)[][]} rows */
const table = (caption, head, rows) => make('table', {}, [
  make('caption', {}, [caption]),
  make('thead', {}, [make('tr', {}, head.map((text) => make('th', { scope: 'col' }, [text])))]),
  make('tbody', {}, rows.map((row) => make('tr', {}, row.map((cell, column) => make(column ? 'td' : 'th', column ? {} : { scope: 'row' }, [cell]))))),
]);

/** A share as a bar with its number. @param {number} value @param {number} most */
function bar(value, most) {
  const meter = make('progress', { max: Math.max(most, 1), value, 'aria-hidden': 'true' });
  return make('span', { className: 'bar-cell' }, [meter, make('span', { className: 'bar-number' }, [number(value)])]);
}

/** @param {any} facts */
function show(facts) {
  const classes = Object.entries(facts.labels);
  const most = Math.max(1, ...classes.map(([, count]) => count));
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  const tiles = [
    ['labels', number(total)],
    ['drawn or confirmed by people', number(facts.videos.reduce((/** @type {number} */ sum, /** @type {any} */ video) => sum + video.by_people, 0))],
    ['tasks open', `${number(facts.open_tasks)} of ${number(facts.tasks)}`],
    ['answers', number(facts.answers)],
    ['seconds for an item', number(facts.seconds_per_answer, 1)],
    ['events', number(facts.events)],
  ];
  find('content').replaceChildren(
    make('dl', { className: 'tiles' }, tiles.map(([name, value]) => make('div', {}, [make('dt', {}, [name]), make('dd', {}, [value])]))),
    make('section', {}, [make('h2', {}, ['How good it is']), ...quality(facts)]),
    make('section', {}, [make('h2', {}, ['What is labelled']),
      table('By class', ['class', 'labels'], classes.map(([name, count]) => [name, bar(count, most)])),
      table('By video', ['video', 'objects', 'boxes', 'by people', 'filled in', 'expected overlap'], facts.videos.map((/** @type {any} */ video) =>
        [video.name, number(video.objects), number(video.boxes), number(video.by_people), number(video.predicted), percent(video.expected_overlap)]))]),
    make('section', {}, [make('h2', {}, ['Who did it']), ...people(facts)]),
  );
}

/** @param {any} facts */
function quality({ routing, agreement, videos }) {
  const list = [];
  list.push(make('p', {}, routing ? [routing.message] : ['Nothing is promised yet: ', make('code', {}, ['framelabel route']), ' draws an audit and says how many labels are wrong at most.']));
  for (const promise of routing?.promises ?? []) {
    list.push(make('p', {}, [`${promise.class}: ${percent(promise.accepted_share)} accepted without review; `
      + (promise.holds ? `at most ${percent(promise.max_error)} wrong, ${percent(promise.confidence)} sure` : promise.reason)]));
  }
  for (const video of videos) if (video.next) list.push(make('p', {}, [`${video.name}: ${video.next}.`]));
  if (agreement?.tasks_with_several_answers) {
    const { value, low, high } = agreement.krippendorff_alpha;
    list.push(make('p', {}, [`Agreement: Krippendorff's alpha ${number(value, 2)} (95 % interval ${number(low, 2)} to ${number(high, 2)}) `
      + `over ${agreement.tasks_with_several_answers} tasks answered by several people; ${agreement.unsure_tasks} in doubt.`]));
    if (agreement.cohen_kappa.length) {
      list.push(table('Pairs', ['people', 'tasks', "Cohen's kappa"], agreement.cohen_kappa.map((/** @type {any} */ pair) =>
        [`${pair.first}, ${pair.second}`, number(pair.tasks), number(pair.kappa, 2)])));
    }
  } else list.push(make('p', { className: 'quiet' }, ['Agreement: no task has several answers yet.']));
  return list;
}

/** @param {any} facts */
function people({ people: all, agreement }) {
  if (!all.length) return [make('p', { className: 'quiet' }, ['Nobody has answered or drawn anything yet.'])];
  const skill = (/** @type {string} */ name) => agreement?.skills.find((/** @type {any} */ item) => item.annotator === name);
  return [table('People', ['name', 'answers', 'skipped', 'edits', 'seconds an item', 'answers an hour', 'right on golden tasks'], all.map((/** @type {any} */ person) => {
    const known = skill(person.name);
    return [person.name, number(person.answers), number(person.skipped), number(person.edits), number(person.seconds, 1),
      number(person.per_hour), known ? `${percent(known.accuracy)} of ${known.golden_tasks}` : '–'];
  }))];
}

async function begin() {
  const project = await read('/api/project');
  find('name').textContent = project.name;
  document.title = `${project.name} – dashboard`;
  fillFormats(project.formats);
  find('export').addEventListener('click', () => { window.location.href = `/api/export/${find('format').value}`; });
  let isWaiting = false;
  const refresh = () => {
    if (isWaiting) return; // many changes in a second are one
    isWaiting = true;
    setTimeout(async () => {
      isWaiting = false;
      await read('/api/dashboard').then(show, () => {});
    }, AGAIN_MS);
  };
  show(await read('/api/dashboard'));
  listen({ changed: refresh, answer: refresh }, (isHere) => { if (isHere) refresh(); });
  document.body.dataset.ready = 'yes';
}

begin().catch((error) => { find('content').textContent = String(error.message ?? error); });
