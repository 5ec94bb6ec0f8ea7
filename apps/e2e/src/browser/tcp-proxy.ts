import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of the config server that can fall silent without closing a connection. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<Socket>();
  readonly #silenced = new Set<Socket>();
  #opened = 0;

  constructor(target: URL) {
    this.#server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
          this.#streams.delete(client);
        });
      }
      client.on('data', (data) => {
        if (data.includes('/snapshot/stream')) {
          this.#streams.add(client);
          this.#opened += 1;
        }
        if (!this.#silenced.has(client)) upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (!this.#silenced.has(client)) client.write(data);
      });
    });
  }

  /** Starts to listen. Returns the URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The number of open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** The number of streams that were ever opened. */
  get opened(): number {
    return this.#opened;
  }

  /** Drops everything that the open connections send from now on. New connections work. */
  silence(): void {
    for (const socket of this.#sockets) this.#silenced.add(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
