import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ruleset } from '@smooai/config';
import type { Exchange, Fault } from './fault-proxy.ts';

/** A fault between a client and its server. */
export interface NamedFault {
  name: string;
  /** Creates the fault for one test, because some keep state. `older` is a ruleset from before the newest version. */
  make(older: Ruleset): Fault;
  /** What happens to the connections that are open when it begins. */
  open: 'cut' | 'silence' | 'keep';
  /** Which values still reach the client: none, only older ones, or also the newest. */
  reaches: 'nothing' | 'older' | 'newest';
  /** Whether the client still gets tokens. */
  sparesTokens?: boolean;
  /** Whether a start fails immediately, because waiting would not help. */
  refusesStart?: boolean;
}

const unreachable = { open: 'cut', reaches: 'nothing' } as const;
const sparesTokens = true;
const isStream = ({ path }: Exchange): boolean => path.endsWith('/stream');
const isToken = ({ path }: Exchange): boolean => path.endsWith('/token');

/** Every fault of the connection. A server that returns with an older database is tested separately. */
export const faults: readonly NamedFault[] = [
  { name: 'refuse', ...unreachable, make: () => 'refuse' },
  { name: 'reset', ...unreachable, make: () => reset },
  { name: 'black hole', ...unreachable, open: 'silence', make: () => () => undefined },
  { name: '500', ...unreachable, make: () => respondWith(500) },
  { name: '503', ...unreachable, make: () => respondWith(503) },
  { name: '429', ...unreachable, make: () => respondWith(429, { 'retry-after': '1' }) },
  {
    name: '401',
    ...unreachable,
    sparesTokens,
    refusesStart: true,
    make: () => unlessToken(respondWith(401)),
  },
  { name: '401, issuer unreachable', ...unreachable, make: () => refusedTokens },
  { name: 'slow trickle', ...unreachable, make: () => trickle },
  { name: 'truncated JSON', ...unreachable, make: () => truncate },
  { name: 'HTML with 200', ...unreachable, make: () => htmlPage },
  { name: 'wrong content type', ...unreachable, sparesTokens, make: () => unlessToken(wrongContentType) },
  { name: 'huge body', ...unreachable, make: () => flood },
  { name: 'duplicated and reordered', open: 'cut', reaches: 'newest', sparesTokens, make: shuffling },
  {
    name: 'revision going back',
    open: 'cut',
    reaches: 'older',
    sparesTokens,
    make: (older) => unlessToken(lagging(older)),
  },
];

function reset({ incoming }: Exchange): void {
  incoming.socket.resetAndDestroy();
}

function respondWith(status: number, headers: Record<string, string> = {}): (exchange: Exchange) => void {
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
  else respondWith(401)(exchange);
}

/** Sends one byte every 20 ms: data keeps arriving, but nothing is ever complete. */
async function trickle({ forward, outgoing }: Exchange): Promise<void> {
  const response = await forward();
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  const bytes: number[] = [];
  response.on('data', (chunk: Buffer) => bytes.push(...chunk));
  const drip = setInterval(() => {
    const byte = bytes.shift();
    if (byte !== undefined) outgoing.write(Buffer.of(byte));
  }, 20);
  outgoing.once('close', () => clearInterval(drip));
}

async function truncate(exchange: Exchange): Promise<void> {
  const { forward, outgoing } = exchange;
  const response = await forward({ 'if-none-match': '"none"' });
  if (isStream(exchange)) {
    outgoing.writeHead(200, response.headers).write('event: ruleset\ndata: {"revision":"9","flags":{\n\n');
    return;
  }
  const text = await textOf(response);
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, text.length / 2));
}

function htmlPage({ outgoing }: Exchange): void {
  outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please log in.</body></html>');
}

async function wrongContentType({ forward, outgoing }: Exchange): Promise<void> {
  const response = await forward({ 'if-none-match': '"none"' });
  outgoing.writeHead(200, { 'content-type': 'text/plain' });
  response.pipe(outgoing);
}

/** Writes until the client closes the connection. */
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

/** Sends events in pairs, the later one first, and each twice. Every second complete response is the previous one. */
function shuffling(): Fault {
  const responses: string[] = [];
  let requests = 0;
  return async (exchange) => {
    const { forward, outgoing } = exchange;
    if (isToken(exchange)) return exchange.pass();
    if (isStream(exchange)) return shuffleEvents(await forward(), outgoing);
    const text = await textOf(await forward({ 'if-none-match': '"none"' }));
    if (responses.at(-1) !== text) responses.push(text);
    requests += 1;
    const chosen = requests % 2 === 0 ? responses.at(-1) : (responses.at(-2) ?? text);
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(chosen);
  };
}

function shuffleEvents(response: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(200, response.headers);
  let rest = '';
  const held: string[] = [];
  const release = (): void => {
    const pair = held.splice(0).reverse();
    for (const block of [...pair, ...pair]) outgoing.write(`${block}\n\n`);
  };
  const timer = setInterval(release, 30);
  outgoing.once('close', () => clearInterval(timer));
  response.on('data', (chunk) => {
    const blocks = (rest + String(chunk)).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      held.push(block);
      if (held.length === 2) release();
    }
  });
}

/** A live replica that does not have the newest version. */
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

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}
