import { existsSync } from 'node:fs';

const INSTALLED = [
  '/usr/bin/google-chrome',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The one at CHROMIUM_PATH, an installed one, or the one that the npm package carries. */
export async function findChromium(): Promise<string> {
  return process.env.CHROMIUM_PATH ?? INSTALLED.find(existsSync) ?? (await packaged());
}

async function packaged(): Promise<string> {
  // By this it unpacks the shared libraries that a bare machine lacks, too.
  process.env.AWS_LAMBDA_JS_RUNTIME ??= 'nodejs20.x';
  const { default: carried } = await import('@sparticuz/chromium');
  return carried.executablePath();
}
