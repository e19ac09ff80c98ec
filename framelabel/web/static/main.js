// Begins: reads the project, makes the page and its panels, and connects buttons, keys and live changes to them.

import { actions } from './actions.js';
import { listen, read, SESSION } from './api.js';
import { button, fill, fillFormats, find } from './elements.js';
import { Inspector } from './inspector.js';
import { Jumps } from './jumps.js';
import { listenToKeys, sheet } from './keys.js';
import { Page } from './page.js';
import { PluginPanel } from './plugin.js';
import { Queue } from './queue.js';

const BUTTONS = ['back', 'forward', 'play', 'uncertain', 'suggested', 'event', 'finding', 'stitch', 'undo', 'redo', 'help', 'takeBack'];

async function begin() {
  const project = await read('/api/project');
  find('name').textContent = project.name;
  document.title = `${project.name} – framelabel`;
  document.body.dataset.write = project.you.can_write ? 'yes' : 'no';
  fill(find('video'), project.videos.map((/** @type {any} */ video) => [video.id, video.name]));
  fill(find('class'), project.classes.map((/** @type {any} */ item) => [item.name, item.name]));
  fillFormats(project.formats);
  if (!project.videos.length) {
    find('message').textContent = 'This project holds no video yet.';
    find('message').className = 'shown';
    return;
  }
  const page = new Page(project);
  const jumps = new Jumps(page);
  const queue = new Queue(page);
  const act = actions(page, jumps, queue);
  new Inspector(page, act);
  Object.assign(window, { framelabel: page });
  find('video').addEventListener('change', (/** @type {any} */ event) => page.open(Number(event.target.value)));
  find('scrub').addEventListener('input', (/** @type {any} */ event) => page.seek(Number(event.target.value)));
  find('tool').addEventListener('change', (/** @type {any} */ event) => page.stage.use(event.target.value));
  find('export').addEventListener('click', () => { window.location.href = `/api/export/${find('format').value}`; });
  find('unsaved').addEventListener('click', () => page.saving.retry());
  find('take').addEventListener('click', () => act('task', null));
  find('finish').addEventListener('click', () => act('accept', null));
  for (const name of BUTTONS) find(name).addEventListener('click', () => act(name, null));
  find('sheet').append(sheet(), button('Close', () => find('sheet').close()));
  listenToKeys(act);
  listen({
    changed: (facts) => {
      if (facts.video === page.video.id && facts.session !== SESSION) page.refresh(facts.start, facts.stop, facts.tracks);
    },
    presence: ({ names }) => { find('present').textContent = names.length > 1 ? `here: ${names.join(', ')}` : ''; },
    problem: ({ text }) => page.say(text, true),
  }, (isHere) => {
    if (isHere) page.saving.retry();
    else page.say('the server does not answer; what you do is kept and sent when it is back', true);
  });
  await page.open(project.videos[0].id);
  document.body.dataset.ready = 'yes';
  if (page.saving.unsaved.length) page.saving.retry();
  const { name } = await read('/api/plugin/name');
  if (name) new PluginPanel(page, name);
}

begin().catch((error) => {
  find('message').textContent = String(error.message ?? error);
  find('message').className = 'shown warn';
});
