import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { startWorker, type WorkerProcess } from '../support/worker.ts';
import type { AppMessage, AppOptions } from './app-worker.ts';
import type { AppAddress } from './client-worker.ts';
import type { Cluster } from './cluster.ts';
import type { FakeClock, FakeTime } from './fake-time.ts';

/** One server process of the fleet; the one that is started after it has another name. */
export interface App {
  readonly name: string;
  readonly process: WorkerProcess;
  readonly address: AppAddress;
}

/** A place of the fleet: which process is there, its links to the members, and its clock. */
export interface Place {
  app: App | undefined;
  readonly links: readonly TcpProxy[];
  readonly clock: FakeClock | undefined;
}

export interface FleetOptions {
  readonly size: number;
  readonly app: Omit<AppOptions, 'links' | 'uri'>;
  /** JavaScript in place of what is made of the sources. */
  readonly program?: string;
  onMessage(app: string, pid: number, message: AppMessage): void;
}

/** The server processes, as behind a load balancer. Something starts those again that have died. */
export class Fleet implements AsyncDisposable {
  readonly places: Place[] = [];
  readonly #cluster: Cluster;
  readonly #fakeTime: FakeTime | undefined;
  readonly #options: FleetOptions;
  #started = 0;
  #isClosing = false;

  private constructor(cluster: Cluster, fakeTime: FakeTime | undefined, options: FleetOptions) {
    this.#cluster = cluster;
    this.#fakeTime = fakeTime;
    this.#options = options;
  }

  static async start(
    cluster: Cluster,
    fakeTime: FakeTime | undefined,
    options: FleetOptions,
  ): Promise<Fleet> {
    const fleet = new Fleet(cluster, fakeTime, options);
    try {
      for (let i = 0; i < options.size; i++) {
        const links = await Promise.all(cluster.members.map(({ process }) => startProxy(process.port)));
        const place: Place = { app: undefined, links, clock: await fakeTime?.clock() };
        fleet.places.push(place);
        await fleet.startApp(place);
      }
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  get addresses(): AppAddress[] {
    return this.places.flatMap(({ app }) => (app ? [app.address] : []));
  }

  async startApp(place: Place): Promise<void> {
    if (this.#isClosing) return;
    const { app: given, program, onMessage } = this.#options;
    const name = `app-${++this.#started}`;
    const ports = this.#cluster.members.map(({ front }, i) => [front.port, place.links[i]?.port]);
    const options: AppOptions = { ...given, uri: this.#cluster.uri, links: Object.fromEntries(ports) };
    const process = await startWorker(new URL('./app-worker.ts', import.meta.url), {
      args: [JSON.stringify(options)],
      ...(place.clock && { env: place.clock.env }),
      ...(program !== undefined && { program }),
    });
    await this.#fakeTime?.forget(process.pid);
    const first = await process.next<AppMessage>();
    if (!('urls' in first))
      throw new Error(`Expected the urls of ${name} first, got ${JSON.stringify(first)}`);
    place.app = { name, process, address: { name, urls: first.urls } };
    if (this.#isClosing) await process[Symbol.asyncDispose]();
    else void this.#listen(name, process, onMessage);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.places.map(({ app }) => app?.process[Symbol.asyncDispose]()));
    await Promise.all(this.places.flatMap(({ links }) => links.map((link) => link[Symbol.asyncDispose]())));
  }

  /** Until it ends. */
  async #listen(name: string, process: WorkerProcess, onMessage: FleetOptions['onMessage']): Promise<void> {
    for (;;) {
      const message = await process.next<AppMessage>().catch(() => undefined);
      if (!message) return;
      onMessage(name, process.pid, message);
    }
  }
}
