// What is measured of the running app: pages, the bytes of their scripts, and flips.
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { brotliCompressSync, constants } from 'node:zlib';

/** The value at a share of the sorted values. */
export function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * Times requests for pages over one connection each. The pages take turns with each request, so that other work on the machine
 * meets all alike. The processor's time needs blocks of requests for one page; the blocks take turns. Returns the milliseconds
 * of each request, and those of the processor by request in each block, by path.
 */
export async function timePages({ url, pid }, paths, { rounds, requests }) {
  const agents = new Map(paths.map((path) => [path, new Agent({ keepAlive: true, maxSockets: 1 })]));
  const results = new Map(paths.map((path) => [path, { ms: [], cpu: [] }]));
  const timeOne = async (path) => {
    const begin = performance.now();
    await fetchPage(`${url}${path}`, agents.get(path));
    return performance.now() - begin;
  };
  // The first rounds warm up.
  for (let round = -5; round < rounds; round += 1) {
    for (let index = 0; index < requests; index += 1) {
      for (const path of rotated(paths, index)) {
        const ms = await timeOne(path);
        if (round >= 0) results.get(path).ms.push(ms);
      }
    }
    for (const path of rotated(paths, round + 5)) {
      const before = cpuMs(pid);
      for (let index = 0; index < requests; index += 1) await timeOne(path);
      if (round >= 0) results.get(path).cpu.push((cpuMs(pid) - before) / requests);
    }
  }
  for (const agent of agents.values()) agent.destroy();
  return results;
}

/** The same list with another first, so that no page always follows the same one. */
function rotated(paths, turns) {
  const first = turns % paths.length;
  return [...paths.slice(first), ...paths.slice(0, first)];
}

/** The text of a page, as a visitor of its own. */
export function fetchPage(url, agent) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { cookie: 'userId=measured' } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** The time of the processor that the threads of a process have used so far, as Linux counts it in nanoseconds. */
function cpuMs(pid) {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread has ended.
    }
  }
  return ns / 1e6;
}

/** The scripts of a page: how many bytes, as they are and compressed. */
export async function scriptBytes(url, path) {
  const html = await fetchPage(`${url}${path}`);
  const sources = new Set([...html.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, source]) => source));
  let [plain, brotli] = [0, 0];
  for (const source of sources) {
    const bytes = Buffer.from(await (await fetch(`${url}${source}`)).arrayBuffer());
    plain += bytes.length;
    brotli += brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  }
  return { plain, brotli };
}

/**
 * Times flips of a limit, from the request that sets it: until it is stored, until a reader of the app's stream has it, and
 * until a browser shows it.
 */
export async function timeFlips({ url, page, shop, flips }) {
  await page.goto(`${url}/client`);
  await page.getByText('with 20 items').waitFor();
  await page.evaluate(() => {
    window.seen = {};
    const look = () => {
      const items = /with (\d+) items/.exec(document.querySelector('p').textContent)?.[1];
      window.seen[items] ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  const reader = await readStream(`${url}/api/config/stream`);
  const times = { stored: [], streamed: [], visible: [] };
  for (let index = 0; index < flips; index += 1) {
    const items = 21 + (index % 70);
    await page.evaluate((value) => delete window.seen[value], items);
    const begin = Date.now();
    const streamed = reader.until(`"value":${items}`);
    await shop.setItems(items);
    times.stored.push(Date.now() - begin);
    times.streamed.push((await streamed) - begin);
    await page.waitForFunction((value) => window.seen[value] !== undefined, items);
    times.visible.push((await page.evaluate((value) => window.seen[value], items)) - begin);
  }
  await reader.close();
  return times;
}

async function readStream(url) {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  let wanted = () => undefined;
  const reading = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body) wanted(decoder.decode(chunk, { stream: true }));
    } catch {
      // Closed below.
    }
  })();
  return {
    until: (text) =>
      new Promise((resolve) => {
        let received = '';
        wanted = (chunk) => {
          received += chunk;
          if (received.includes(text)) resolve(Date.now());
        };
      }),
    close: () => {
      abort.abort();
      return reading;
    },
  };
}
