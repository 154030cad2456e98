import type { Db } from 'mongodb';
import { bodies } from './bodies.ts';
import { dashboardTarget } from './dashboard.ts';
import { documents } from './documents.ts';
import { keys } from './keys.ts';
import { records } from './records.ts';
import type { Target } from './target.ts';

export const targetsOn = async (db: Db): Promise<readonly Target[]> => [
  keys,
  documents,
  records,
  bodies,
  await dashboardTarget(db),
];
