// Measures the process that imports it, on the orders `start` and `stop` of its parent.

/** CPU time of this process that passes between two turns of the event loop: other work on the machine does not count. */
let longestCpuMs = 0;
let longestMs = 0;
let start = process.cpuUsage();
let timer;

export function serveOrders(orders = {}) {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ name, ...parameters }) => {
    if (name === 'start') begin(parameters);
    process.send({ result: name === 'stop' ? end() : (orders[name]?.(parameters) ?? {}) });
  });
}

/** @param tickMs - how often to look at the CPU time, which takes some 20 µs each time. */
function begin({ tickMs = 1 }) {
  globalThis.gc?.();
  longestCpuMs = 0;
  longestMs = 0;
  start = process.cpuUsage();
  let last = { cpu: process.cpuUsage(), at: performance.now() };
  timer = setInterval(() => {
    const now = { cpu: process.cpuUsage(), at: performance.now() };
    longestCpuMs = Math.max(longestCpuMs, cpuMs(last.cpu, now.cpu));
    longestMs = Math.max(longestMs, now.at - last.at);
    last = now;
  }, tickMs);
}

function end() {
  clearInterval(timer);
  const usedMs = cpuMs(start, process.cpuUsage());
  const { rss, heapUsed, external } = process.memoryUsage();
  return { cpuMs: usedMs, longestCpuMs, longestMs, rss, heap: heapUsed + external };
}

function cpuMs(from, to) {
  return (to.user - from.user + to.system - from.system) / 1_000;
}
