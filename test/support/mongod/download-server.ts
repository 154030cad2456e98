import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoBinary } from 'mongodb-memory-server-core';
import type { Download } from './find-mongod.ts';

/** MongoDB's own build, where its download site can be reached. */
export const downloadServer: Download = async (directory) => {
  const found = await MongoBinary.getPath({ version: '8.2.6', downloadDir: directory });
  const path = join(directory, 'mongod');
  // A copy, for it may have found one in a cache that is not ours.
  await copyFile(found, path);
  return path;
};
