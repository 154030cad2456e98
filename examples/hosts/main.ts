// Starts one of these hosts: npm run example:host -- yoga-express
import type { Host } from './host.ts';

const [name = 'yoga-node'] = process.argv.slice(2);
const { start } = (await import(`./${name}.ts`)) as { start(): Promise<Host> };
const { url, close } = await start();
console.log(`${name}: ${url}`);

// Runs under way are finished and recorded before the process ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await close();
    process.exit();
  });
}
