// Forked: many event streams of one server. Orders: `open` some, `next` waits until each has had one more event.
import { openStreams } from './load.mjs';

let count = 0;
let events = 0;
let wanted = Number.POSITIVE_INFINITY;
let reached = () => undefined;
const orders = {
  async open({ url, texts }) {
    await openStreams(url, texts, (chunk) => {
      // Each event has one.
      for (let at = chunk.indexOf('event: '); at !== -1; at = chunk.indexOf('event: ', at + 1)) events += 1;
      if (events >= wanted) reached();
    });
    count += texts.length;
    events = 0;
    return {};
  },
  async expect() {
    events = 0;
    wanted = count;
    return {};
  },
  async next() {
    if (events < wanted) await new Promise((resolve) => (reached = resolve));
    return {};
  },
};
process.on('disconnect', () => process.exit());
process.on('message', ({ name, ...parameters }) => {
  void orders[name](parameters).then((result) => process.send({ result }));
});
process.send({ isReady: true });
