import fc from 'fast-check';
import { text } from './texts.ts';

const from = <T>(...values: T[]) => fc.constantFrom(...values);
const names = from('a', 'b', 'id', 'pay', 'refund', '__typename', 'constructor', '__proto__');
const condition = from('true', 'false', '$b', '$missing', 'null');
const directive = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.tuple(from('include', 'skip'), condition).map(([name, value]) => ` @${name}(if: ${value})`),
  from(' @unknown', ' @skip', ' @deprecated'),
);
const alias = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  names.map((name) => `${name}: `),
);
const argument = fc.oneof(
  from(
    '1',
    '$amount',
    '-2147483648',
    '2147483648',
    '1.0',
    '1e3',
    'null',
    '"1"',
    '[1]',
    '{ a: 1 }',
    'ENUM',
    '"""1"""',
  ),
  text.map((value) => JSON.stringify(value)),
);
const args = fc.oneof(
  fc.constant(''),
  argument.map((value) => `(amount: ${value})`),
  fc.tuple(argument, argument).map(([one, other]) => `(note: ${one}, amount: ${other})`),
);

const { selection, field } = fc.letrec<{ selection: string; field: string }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(alias, from('id', 'amount', 'note', '__typename'), directive).map((parts) => parts.join('')),
    from('...F', '...G', '...Missing'),
    fc
      .tuple(from(' on Receipt', ' on Query', ''), directive, tie('selection'))
      .map(([on, with_, inside]) => `...${on}${with_} ${inside}`),
    fc.tuple(alias, directive, tie('selection')).map(([as, with_, inside]) => `${as}self${with_} ${inside}`),
  ),
  selection: fc
    .array(tie('field'), { minLength: 1, maxLength: 3, depthIdentifier: 'selection' })
    .map((fields) => `{ ${fields.join(' ')} }`),
}));
void field;

const rootField = fc
  .tuple(
    alias,
    from('pay', 'pay', 'refund', '__typename', 'unknown'),
    args,
    directive,
    fc.oneof(selection, fc.constant('')),
  )
  .map((parts) => parts.join(''));
const root = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: rootField },
    from('...M', '... { pay { id } }', '... on Mutation { pay { id } }'),
  ),
  { minLength: 1, maxLength: 3 },
);
const header = from(
  'mutation',
  'mutation M',
  'mutation M($amount: Int = 3, $b: Boolean = true)',
  'mutation ($amount: Int, $b: Boolean!)',
  'query',
  'subscription',
  'fragment F on Receipt',
);
const tail = from(
  '',
  'fragment F on Receipt { id a: amount }',
  'fragment F on Receipt { ...G } fragment G on Receipt { id ...F }',
  'fragment M on Mutation { pay { id } }',
  'query Q { ok }',
  '}',
  'mutation N { pay { id } }',
);

const query = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(header, directive, root, tail)
      .map(([head, with_, fields, rest]) => `${head}${with_} { ${fields.join(' ')} } ${rest}`),
  },
  text,
);
/** Requests that hold whatever GraphQL has a word for, wherever it may not stand. Nearly all of them are refused before anything runs. */
export const wildBody = fc.record(
  {
    query,
    variables: fc.oneof(
      fc.record(
        { amount: fc.oneof(fc.integer(), fc.jsonValue()), b: fc.oneof(fc.boolean(), fc.jsonValue()) },
        { requiredKeys: [] },
      ),
      fc.jsonValue(),
    ),
    operationName: fc.oneof(from('M', 'N', 'Q', '', null), text),
    extensions: fc.jsonValue(),
  },
  { requiredKeys: ['query'] },
);
