import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import '../test-support/event-source.ts';
import { shareStream } from './shared-stream.ts';
import { SnapshotStore } from './snapshot-store.ts';

/** A stream that a tab has opened; the test is its server. */
interface Stream {
  send(event: 'snapshot' | 'patch' | 'ping', data?: unknown): void;
  readonly signal: AbortSignal;
}

const URL = 'https://shop.example/stream';
const patient = { timeout: 30_000, interval: 5 };
const until = (check: () => void): Promise<void> => vi.waitFor(check, patient);
const leaves: (() => void)[] = [];
let streams: Stream[];

beforeEach(() => {
  streams = [];
  vi.stubGlobal('fetch', async (_: string, { signal }: { signal: AbortSignal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason));
        streams.push({
          signal,
          send: (event, data) =>
            controller.enqueue(
              new TextEncoder().encode(`event: ${event}\ndata: ${data ? JSON.stringify(data) : ''}\n\n`),
            ),
        });
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
});
afterEach(() => {
  for (const leave of leaves.splice(0)) leave();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

type Values = Record<string, number>;
const patch = (revision: number, values: Values = { shown: revision }) => ({
  revision: `${revision}`,
  public: values,
});
const snapshot = (revision: number, values?: Values) => ({
  ...patch(revision, values),
  flags: {},
  limits: {},
});

/** Opens what is a tab to the others, with its stream, which has sent nothing yet. */
async function openTab(context = '{}', store = new SnapshotStore()) {
  const index = streams.length;
  const update = shareStream(URL, store, { context, retryMs: 1 });
  update('');
  leaves.push(() => update('end'));
  const shown: unknown[] = [];
  store.subscribeAll(() => shown.push(store.value('public', 'shown')));
  await until(() => expect(streams.length).toBeGreaterThan(index));
  return { store, update, shown, stream: streams[index] as Stream };
}
type Tab = Awaited<ReturnType<typeof openTab>>;

const shows = ({ store }: Tab, revision: number): Promise<void> =>
  until(() => expect([store.revision, store.status]).toEqual([`${revision}`, 'live']));
const closed = ({ signal }: Stream): Promise<void> => until(() => expect(signal.aborted).toBe(true));
/** A tab that follows another one. */
async function openPair(): Promise<[Tab, Tab]> {
  const follower = await openTab();
  follower.stream.send('snapshot', snapshot(1));
  await shows(follower, 1);
  const leader = await openTab();
  leader.stream.send('snapshot', snapshot(1));
  await shows(leader, 1);
  await closed(follower.stream);
  return [follower, leader];
}

it('does not go back while a new stream is behind, and follows it once it has caught up', async () => {
  const [follower, leader] = await openPair();
  const late = await openTab();
  leader.stream.send('patch', patch(2));
  await shows(follower, 2);
  // Taken before the change, but it arrives after it.
  late.stream.send('snapshot', snapshot(1));
  await shows(late, 1);
  leader.stream.send('patch', patch(3));
  await shows(follower, 3);
  expect(leader.stream.signal.aborted).toBe(false);
  late.stream.send('patch', patch(3));
  await closed(leader.stream);
  late.stream.send('patch', patch(4));
  for (const tab of [follower, leader, late]) await shows(tab, 4);
  expect([follower.shown, leader.shown]).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
});

it('goes back with a new stream of the tab that it follows: the server may have another history', async () => {
  const [follower, leader] = await openPair();
  leader.stream.send('patch', patch(9));
  await shows(follower, 9);
  leader.update('offline');
  leader.update('online');
  await until(() => expect(streams).toHaveLength(4));
  streams[3]?.send('snapshot', snapshot(2));
  for (const tab of [follower, leader]) await shows(tab, 2);
});

it('does not apply patches to a snapshot that it never got', async () => {
  const now = vi.spyOn(Date, 'now');
  now.mockReturnValue(2_000_000);
  const leader = await openTab();
  leader.stream.send('snapshot', snapshot(2, { shown: 2, other: 2 }));
  await shows(leader, 2);
  // The clock went back, so the claim of the new tab is lower.
  now.mockReturnValue(1_000_000);
  const late = await openTab('{}', new SnapshotStore(snapshot(1, { shown: 1, other: 1 })));
  leader.stream.send('patch', patch(3));
  await shows(leader, 3);
  late.stream.send('snapshot', snapshot(3, { shown: 3, other: 2 }));
  await shows(late, 3);
  expect(late.shown).toEqual([3]);
  expect(late.store.value('public', 'other')).toBe(2);
});

it('takes the lead from the tab that it follows although the clock went back', async () => {
  const [follower, leader] = await openPair();
  vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
  follower.update('online');
  await until(() => expect(streams).toHaveLength(3));
  streams[2]?.send('snapshot', snapshot(2));
  for (const tab of [follower, leader]) await shows(tab, 2);
  await closed(leader.stream);
});

it('ignores messages of another build of the page', async () => {
  const [follower, leader] = await openPair();
  const other = new BroadcastChannel(`smooai-config ${URL} {}`);
  onTestFinished(() => other.close());
  const messages = [
    null,
    'text',
    1e15,
    {},
    [],
    { status: 'live', snapshot: snapshot(8) },
    [snapshot(8), 'live'],
  ];
  for (const message of messages) other.postMessage(message);
  leader.stream.send('patch', patch(2));
  await shows(follower, 2);
  expect([leader.stream.signal.aborted, leader.store.revision]).toEqual([false, '2']);
});

it('shares nothing with a tab of another context: its values may be those of another user', async () => {
  const first = await openTab('{"userId":"a"}');
  const second = await openTab('{"userId":"b"}');
  first.stream.send('snapshot', snapshot(1));
  await shows(first, 1);
  second.stream.send('snapshot', snapshot(2));
  await shows(second, 2);
  const third = await openTab('{"userId":"a"}');
  third.stream.send('snapshot', snapshot(3));
  for (const tab of [first, third]) await shows(tab, 3);
  expect([second.store.revision, second.stream.signal.aborted]).toEqual(['2', false]);
});

it('has a stream of its own if the browser does not allow the channel', async () => {
  vi.stubGlobal('BroadcastChannel', function BroadcastChannel() {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  });
  const tab = await openTab();
  tab.stream.send('snapshot', snapshot(1));
  await shows(tab, 1);
});
