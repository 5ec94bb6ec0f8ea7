import {
  createSnapshotSource,
  type Evaluation,
  type Snapshot,
  type SnapshotChange,
  type SnapshotGroup,
  SnapshotStore,
} from '@smooai/config/browser';
import { formatValue, statusTexts } from '@smooai-demo/demo-schema/display';
import { badgeClass, sourceText } from '../page/display.ts';

const SHOWN_CHANGES = 8;

const store = new SnapshotStore(readSnapshot(), 'connecting');
store.subscribeAll(showChange);
store.subscribeStatus(showStatus);
createSnapshotSource({ url: `/config/stream${location.search}` }).connect(store);
prepareCheckout();

/** Reads the snapshot that the server rendered the page from. */
function readSnapshot(): Snapshot | undefined {
  const text = document.getElementById('snapshot')?.textContent;
  return text ? (JSON.parse(text) as Snapshot) : undefined;
}

function showStatus(): void {
  const badge = document.querySelector<HTMLElement>('[data-testid="live-status"]');
  if (badge === null || badge.dataset.value === store.status) return;
  badge.dataset.value = store.status;
  badge.textContent = statusTexts[store.status];
}

function showChange(change: SnapshotChange): void {
  const revision = document.getElementById('revision');
  if (revision !== null) revision.textContent = change.revision;
  const theme = store.value('flags', 'theme');
  document.documentElement.dataset.theme = theme === 'dark' ? 'dark' : 'light';
  for (const key of change.keys) showValue(key);
  for (const { key, from, to } of change.changes) logChange(change.at, { key, from, to });
}

function showValue(key: string): void {
  const badge = document.querySelector<HTMLElement>(`[data-key="${key}"]`);
  if (badge === null) return;
  const [group, name] = split(key);
  const value = store.value(group, name);
  badge.dataset.value = String(value);
  badge.textContent = formatValue(value);
  badge.className = `${badgeClass(value)} value`;
  // The animation restarts only if the class was absent for one frame.
  requestAnimationFrame(() => badge.classList.add('flash'));
  const source = document.querySelector<HTMLElement>(`[data-source="${key}"]`);
  const answer = group === 'public' ? undefined : (store.entry(group, name) as Evaluation | undefined);
  if (source !== null) source.textContent = sourceText(answer?.source ?? 'raw', answer?.matchedRuleId);
}

function logChange(at: number, { key, from, to }: { key: string; from: unknown; to: unknown }): void {
  const list = document.getElementById('changes');
  if (list === null) return;
  document.getElementById('no-changes')?.setAttribute('hidden', '');
  list.hidden = false;
  const time = element('time', new Date(at).toLocaleTimeString('en-GB'));
  time.setAttribute('datetime', new Date(at).toISOString());
  const text = element('p', `${formatValue(from)} → `);
  text.append(element('strong', formatValue(to)));
  const item = document.createElement('li');
  item.append(time, element('code', key), text);
  list.prepend(item);
  while (list.children.length > SHOWN_CHANGES) list.lastElementChild?.remove();
}

/** Lets the visitor send a real order, which shows whether the guarded route is available. */
function prepareCheckout(): void {
  const button = document.getElementById('try-checkout');
  const output = document.getElementById('try-answer');
  if (!(button instanceof HTMLButtonElement) || output === null) return;
  button.disabled = false;
  button.addEventListener('click', () => {
    button.disabled = true;
    void order(button.dataset.url ?? '/checkout')
      .then((text) => {
        output.textContent = text;
      })
      .finally(() => {
        button.disabled = false;
      });
  });
}

async function order(url: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ id: 'lamp', quantity: 1 }] }),
      signal: AbortSignal.timeout(10_000),
    });
    return `${response.status} ${response.statusText}\n${JSON.stringify(await response.json(), undefined, 2)}`;
  } catch {
    return 'The API cannot be reached. Try again in a moment.';
  }
}

function split(key: string): [SnapshotGroup, string] {
  const [group = '', name = ''] = key.split('.');
  return [group as SnapshotGroup, name];
}

function element(tag: string, text: string): HTMLElement {
  const created = document.createElement(tag);
  created.textContent = text;
  return created;
}
