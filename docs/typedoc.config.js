// The API reference of the site: a page for each entry of the package, from the doc comments of its source.
import { readFileSync } from 'node:fs';
import { Converter } from 'typedoc';

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
/** The entries by their source: `server/mongodb/index.ts` is `latchkey/mongodb`. */
const entries = new Map(
  Object.entries(exports).flatMap(([path, entry]) =>
    typeof entry === 'string'
      ? []
      : [[entry.types.replace('./dist/', '').replace('.d.ts', '.ts'), path.replace('.', 'latchkey')]],
  ),
);

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  entryPoints: [...entries.keys()].map((source) => `../${source}`),
  tsconfig: '../tsconfig.json',
  skipErrorChecking: true, // `npm run types` checks
  plugin: ['typedoc-plugin-markdown', nameByEntry],
  out: 'reference',
  name: 'API reference',
  entryFileName: 'index',
  router: 'module',
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  groupOrder: ['Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables'],
  sanitizeComments: true,
  useCodeBlocks: true,
  validation: false,
  logLevel: 'Warn',
};

function nameByEntry(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      module.name = entries.get(`${module.name}/index.ts`) ?? entries.get(`${module.name}.ts`) ?? module.name;
    }
  });
}
