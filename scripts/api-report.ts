// Writes what each entry of the package exports into docs/api/, so that a review sees each change of the surface.
// `--check` writes nothing there, and fails when a report is not up to date. Both read the declarations in dist/, and fail when an export
// or a member of one has no doc comment.
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type IConfigFile,
} from '@microsoft/api-extractor';

const REPORTS = 'docs/api';
const SCRATCH = 'node_modules/.cache/api';

const isCheck = process.argv.includes('--check');
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { types: string }>;
};
const entries = Object.entries(exports).flatMap(([path, entry]) => {
  if (typeof entry === 'string') return [];
  const name = path === '.' ? 'latchkey' : path.slice(2).replaceAll('/', '-');
  return [{ report: `${REPORTS}/${name}.api.md`, types: entry.types, config: configOf(name, entry.types) }];
});

for (const folder of [REPORTS, SCRATCH]) mkdirSync(folder, { recursive: true });
const [first] = entries;
if (!first) throw new Error('package.json has no entries with types');
const compilerState = CompilerState.create(first.config, {
  additionalEntryPoints: entries.map(({ types }) => resolve(types)),
});
const changed = entries.filter(({ config }) => {
  const result = Extractor.invoke(config, {
    compilerState,
    localBuild: !isCheck,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  return result.apiReportChanged || result.errorCount > 0;
});
for (const { report } of changed) console.log(`${isCheck ? 'Not up to date' : 'Written'}: ${report}`);
if (isCheck && changed.length > 0) {
  console.log('Fix: `npm run api`, then review the difference and commit it');
  process.exitCode = 1;
}

const undocumented = entries.flatMap(({ report }) => {
  const lines = readFileSync(report, 'utf8').split('\n');
  return lines.flatMap((line, at) =>
    line.includes('(undocumented)') ? [`${report}:${at + 2}: ${lines[at + 1]?.trim()}`] : [],
  );
});
for (const place of undocumented) console.log(`Without a doc comment: ${place}`);
if (undocumented.length > 0) process.exitCode = 1;

function configOf(name: string, types: string): ExtractorConfig {
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  const configObject: IConfigFile = {
    projectFolder: resolve('.'),
    mainEntryPointFilePath: resolve(types),
    compiler: { tsconfigFilePath: resolve('tsconfig.api.json') },
    apiReport: {
      enabled: true,
      reportFileName: name,
      reportFolder: resolve(REPORTS),
      reportTempFolder: resolve(SCRATCH),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
    messages: {
      compilerMessageReporting: silent,
      extractorMessageReporting: silent,
      tsdocMessageReporting: silent,
    },
  };
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve('package.json'),
  });
}
