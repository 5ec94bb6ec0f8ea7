// What is measured of the running app: pages, the bytes of their scripts, and flips.
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { brotliCompressSync, constants } from 'node:zlib';

/** The value at a share of the sorted values. */
export function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Times requests for pages over one connection each, in turns. Returns the milliseconds by path, and of the processor. */
export async function timePages({ url, pid }, paths, { rounds, requests }) {
  const agents = new Map(paths.map((path) => [path, new Agent({ keepAlive: true, maxSockets: 1 })]));
  const results = new Map(paths.map((path) => [path, { ms: [], cpu: [] }]));
  for (let round = -5; round < rounds; round += 1) {
    for (const path of paths) {
      const cpuBefore = cpuMs(pid);
      const ms = [];
      for (let index = 0; index < requests; index += 1) {
        const begin = performance.now();
        await fetchPage(`${url}${path}`, agents.get(path));
        ms.push(performance.now() - begin);
      }
      // The first rounds warm up.
      if (round < 0) continue;
      results.get(path).ms.push(...ms);
      results.get(path).cpu.push((cpuMs(pid) - cpuBefore) / requests);
    }
  }
  for (const agent of agents.values()) agent.destroy();
  return results;
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

/** The time of the processor that a process has used so far. Linux only. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  // utime and stime, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
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
