import { parseArgs } from 'node:util';
import { currentLoad } from './measure/machine.ts';
import { atLeast } from './number-option.ts';
import { callersPart } from './parts/callers.ts';
import { distancePart } from './parts/distance.ts';
import { httpPart } from './parts/http.ts';
import { keysPart } from './parts/keys.ts';
import { notesPart } from './parts/notes.ts';
import type { Part } from './parts/part.ts';
import { peersPart } from './parts/peers.ts';
import { profilePart } from './parts/profile.ts';
import { replaysPart } from './parts/replays.ts';
import { storePart } from './parts/store.ts';
import { RESULTS } from './report/result.ts';
import { runPart } from './report/run-part.ts';

const PARTS: Readonly<Record<string, Part>> = {
  store: storePart,
  http: httpPart('Yoga'),
  trpc: httpPart('tRPC'),
  replays: replaysPart,
  keys: keysPart,
  distance: distancePart,
  callers: callersPart,
  notes: notesPart,
  profile: profilePart,
};
/** This part installs packages of others, so it runs only where it is named. */
const NAMED: Readonly<Record<string, Part>> = { peers: peersPart };
const ALL = { ...PARTS, ...NAMED };

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '5' },
    keys: { type: 'string', default: '500000' },
    out: { type: 'string', default: RESULTS },
  },
});

const names = values.only?.split(',') ?? Object.keys(PARTS);
const unknown = names.filter((name) => !(name in ALL));
if (unknown.length > 0)
  throw new Error(
    `Expected --only to name parts (${Object.keys(ALL).join(', ')}), got ${unknown.join(', ')}`,
  );

const options = {
  rounds: {
    warmUpSeconds: atLeast(0.1, '--warm-up', values['warm-up']),
    seconds: atLeast(0.1, '--seconds', values.seconds),
    rounds: atLeast(1, '--rounds', values.rounds),
  },
  keys: atLeast(1, '--keys', values.keys),
  out: values.out,
  loadBefore: currentLoad(),
};
for (const name of names) {
  console.error(`\n${name}…`);
  await runPart(name, ALL[name] as Part, options);
}
