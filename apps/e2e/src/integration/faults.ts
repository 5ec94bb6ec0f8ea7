import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ruleset } from '@smooai/config';
import type { Exchange, Fault } from './fault-proxy.ts';

/** One way in which what lies between a client and its server goes wrong. */
export interface NamedFault {
  name: string;
  /** Made for each use, since some remember what they saw. `older` is a ruleset of before the newest. */
  make(older: Ruleset): Fault;
  /** What becomes of the connections that are open when it begins. */
  open: 'cut' | 'silence' | 'keep';
  /** `unheard`: nothing of the server's gets through; `behind`: only what is old does; `newest`: the newest does too. */
  hears: 'unheard' | 'behind' | 'newest';
  /** Whether tokens are handed out all the while. */
  sparesTokens?: boolean;
  /** Whether a start fails at once, since waiting does not help. */
  refusesStart?: boolean;
}

const unheard = { open: 'cut', hears: 'unheard' } as const;
const sparesTokens = true;
const isStream = ({ path }: Exchange): boolean => path.endsWith('/stream');
const isToken = ({ path }: Exchange): boolean => path.endsWith('/token');

/** Every fault on the way to the server. A server that comes back with an older database is not such a fault. */
export const faults: readonly NamedFault[] = [
  { name: 'refuse', ...unheard, make: () => 'refuse' },
  { name: 'reset', ...unheard, make: () => reset },
  { name: 'black hole', ...unheard, open: 'silence', make: () => () => undefined },
  { name: '500', ...unheard, make: () => answering(500) },
  { name: '503', ...unheard, make: () => answering(503) },
  { name: '429', ...unheard, make: () => answering(429, { 'retry-after': '1' }) },
  { name: '401', ...unheard, sparesTokens, refusesStart: true, make: () => unlessToken(answering(401)) },
  { name: '401, the issuer away', ...unheard, make: () => refusedTokens },
  { name: 'slow trickle', ...unheard, make: () => trickle },
  { name: 'truncated JSON', ...unheard, make: () => truncate },
  { name: 'HTML with 200', ...unheard, make: () => page },
  { name: 'wrong content type', ...unheard, sparesTokens, make: () => unlessToken(mistype) },
  { name: 'huge body', ...unheard, make: () => flood },
  { name: 'duplicated and reordered', open: 'cut', hears: 'newest', sparesTokens, make: shuffling },
  {
    name: 'revision going back',
    open: 'cut',
    hears: 'behind',
    sparesTokens,
    make: (older) => unlessToken(lagging(older)),
  },
];

function reset({ incoming }: Exchange): void {
  incoming.socket.resetAndDestroy();
}

function answering(status: number, headers: Record<string, string> = {}): (exchange: Exchange) => void {
  return ({ outgoing }) => {
    outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
    outgoing.end(JSON.stringify({ message: 'a fault of the test' }));
  };
}

function unlessToken(fault: (exchange: Exchange) => void | Promise<void>): Fault {
  return (exchange) => (isToken(exchange) ? exchange.pass() : fault(exchange));
}

function refusedTokens(exchange: Exchange): void {
  if (isToken(exchange)) reset(exchange);
  else answering(401)(exchange);
}

/** A byte each 20 ms: something always comes, and nothing is ever whole. */
async function trickle({ ask, outgoing }: Exchange): Promise<void> {
  const answer = await ask();
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  const bytes: number[] = [];
  answer.on('data', (chunk: Buffer) => bytes.push(...chunk));
  const drip = setInterval(() => {
    const byte = bytes.shift();
    if (byte !== undefined) outgoing.write(Buffer.of(byte));
  }, 20);
  outgoing.once('close', () => clearInterval(drip));
}

async function truncate(exchange: Exchange): Promise<void> {
  const { ask, outgoing } = exchange;
  const answer = await ask({ 'if-none-match': '"none"' });
  if (isStream(exchange)) {
    outgoing.writeHead(200, answer.headers).write('event: ruleset\ndata: {"revision":"9","flags":{\n\n');
    return;
  }
  const text = await textOf(answer);
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, text.length / 2));
}

function page({ outgoing }: Exchange): void {
  outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please log in.</body></html>');
}

async function mistype({ ask, outgoing }: Exchange): Promise<void> {
  const answer = await ask({ 'if-none-match': '"none"' });
  outgoing.writeHead(200, { 'content-type': 'text/plain' });
  answer.pipe(outgoing);
}

/** Writes until the client has enough. */
function flood(exchange: Exchange): void {
  const { outgoing } = exchange;
  const type = isStream(exchange) ? 'text/event-stream' : 'application/json';
  outgoing.writeHead(200, { 'content-type': type });
  outgoing.write(isStream(exchange) ? 'event: ruleset\ndata: {"revision":"' : '{"revision":"');
  const piece = Buffer.alloc(256 * 1024, '9');
  const pour = (): void => {
    while (!outgoing.destroyed && outgoing.write(piece));
  };
  outgoing.on('drain', pour);
  pour();
}

/** Events come two by two, the later one first, and each of them twice; every second whole answer is the one before. */
function shuffling(): Fault {
  const answers: string[] = [];
  let asked = 0;
  return async (exchange) => {
    const { ask, outgoing } = exchange;
    if (isToken(exchange)) return exchange.pass();
    if (isStream(exchange)) return shuffleEvents(await ask(), outgoing);
    const text = await textOf(await ask({ 'if-none-match': '"none"' }));
    if (answers.at(-1) !== text) answers.push(text);
    asked += 1;
    const chosen = asked % 2 === 0 ? answers.at(-1) : (answers.at(-2) ?? text);
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(chosen);
  };
}

function shuffleEvents(answer: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(200, answer.headers);
  let rest = '';
  const held: string[] = [];
  const release = (): void => {
    const pair = held.splice(0).reverse();
    for (const block of [...pair, ...pair]) outgoing.write(`${block}\n\n`);
  };
  const timer = setInterval(release, 30);
  outgoing.once('close', () => clearInterval(timer));
  answer.on('data', (chunk) => {
    const blocks = (rest + String(chunk)).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      held.push(block);
      if (held.length === 2) release();
    }
  });
}

/** A replica that has not heard of the newest, and lives. */
function lagging(older: Ruleset): (exchange: Exchange) => void {
  const text = JSON.stringify(older);
  return (exchange) => {
    const { outgoing } = exchange;
    if (!isStream(exchange)) {
      const etag = `"${older.revision}"`;
      outgoing.writeHead(200, { 'content-type': 'application/json', etag }).end(text);
      return;
    }
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.write(`id: ${older.revision}\nevent: ruleset\ndata: ${text}\n\n`);
    const heartbeat = setInterval(() => outgoing.write(':\n\n'), 50);
    outgoing.once('close', () => clearInterval(heartbeat));
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}
