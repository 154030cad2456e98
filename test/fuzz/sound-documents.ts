import fc from 'fast-check';
import { text } from './texts.ts';

const from = <T>(...values: T[]) => fc.constantFrom(...values);

/** A `Root` is one call of a mutation in a document. */
interface Root {
  readonly alias: string;
  readonly field: 'pay' | 'refund';
  readonly amount: number | '$amount' | 'none';
  readonly note: string | undefined;
  readonly when: string;
  readonly selection: string;
}

/** A `Sound` is a document that is valid, in parts, of which each may be exchanged for another one. */
export interface Sound {
  readonly name: '' | 'M';
  readonly roots: readonly Root[];
  readonly variables: { readonly amount: number; readonly b: boolean };
  /** The document has this operation beside its own. */
  readonly beside: '' | ' query Q { ok }' | ' mutation N { pay { id } }';
  /** This text separates the words of the document. */
  readonly space: string;
}

const when = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  from('@include(if: $b)', '@skip(if: $b)', '@include(if: true)', '@skip(if: false)'),
);
/** An alias stands for one field, wherever it is, so that no two of them are in each other's way. */
const scalar = from(
  ...[
    'id',
    'amount',
    'note',
    '__typename',
    'a: amount',
    'constructor: id',
    '__proto__: note',
    'amounts: amount',
  ],
);
const { selection } = fc.letrec<{ selection: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(scalar, when).map((parts) => parts.join(' ')),
    fc.tuple(from('...F', '...G'), when).map((parts) => parts.join(' ')),
    fc.tuple(from('... on Receipt', '...'), when, tie('selection')).map((parts) => parts.join(' ')),
    fc.tuple(from('self', 'me: self'), when, tie('selection')).map((parts) => parts.join(' ')),
  ),
  selection: fc
    .array(tie('part'), { minLength: 1, maxLength: 3, depthIdentifier: 'selection' })
    .map((parts) => `{ ${parts.join(' ')} }`),
}));

const int = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer());
const root: fc.Arbitrary<Root> = fc.record({
  alias: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, from('a', 'pay', 'constructor', '__proto__')),
  field: from('pay', 'pay', 'refund'),
  amount: fc.oneof(int, from('$amount' as const, 'none' as const)),
  note: fc.option(
    text.map((note) => note.toWellFormed()),
    { nil: undefined, freq: 2 },
  ),
  when,
  selection,
});
const sound: fc.Arbitrary<Sound> = fc.record({
  name: from('M', ''),
  roots: fc.uniqueArray(root, { minLength: 1, maxLength: 2, selector: nameOf }),
  variables: fc.record({ amount: int, b: fc.boolean() }),
  beside: fc.oneof(
    { weight: 3, arbitrary: from('' as const) },
    from(' query Q { ok }' as const, ' mutation N { pay { id } }' as const),
  ),
  space: from(' ', '\n', ' , ', ' # a comment\n', '\ufeff '),
});

/** A document, and another one that has some of its parts. */
export const soundPair: fc.Arbitrary<readonly [Sound, Sound]> = fc
  .tuple(
    sound,
    sound,
    fc.subarray(['name', 'variables', 'beside', 'space'] as const),
    fc.subarray(['alias', 'field', 'amount', 'note', 'when', 'selection'] as const, { maxLength: 2 }),
  )
  .map(([one, two, ofAll, ofRoot]) => {
    const [first, ...others] = one.roots as [Root, ...Root[]];
    const changed = { ...first, ...partsOf(two.roots[0] as Root, ofRoot) };
    const isTaken = others.some((other) => nameOf(other) === nameOf(changed));
    return [one, { ...one, ...partsOf(two, ofAll), roots: isTaken ? [changed] : [changed, ...others] }];
  });

const partsOf = <Of extends object>(whole: Of, names: readonly (keyof Of)[]) =>
  Object.fromEntries(names.map((name) => [name, whole[name]])) as Partial<Of>;

/** The name of a call in the answer. */
function nameOf({ alias, field }: Root): string {
  return alias || field;
}

const FRAGMENTS = {
  F: 'fragment F on Receipt { id amounts: amount ...H }',
  G: 'fragment G on Receipt { note self { id } }',
  H: 'fragment H on Receipt { __typename }',
};
const VARIABLES = { $amount: '$amount: Int = 3', $b: '$b: Boolean = true' };

/** The request of a document: what it uses is declared, and nothing else. */
export function bodyOf({ name, roots, variables, beside, space }: Sound) {
  const fields = roots.map(textOf).join(' ');
  const declared = Object.entries(VARIABLES).filter(([variable]) => isIn(fields, `\\${variable}`));
  const spread = (text: string) =>
    Object.entries(FRAGMENTS).filter(([fragment]) => isIn(text, `\\.\\.\\.${fragment}`));
  const fragments = spread(fields).map(([, fragment]) => fragment);
  const all = [...fragments, ...spread(fragments.join(' ')).map(([, fragment]) => fragment)];
  const header = declared.length > 0 ? `(${declared.map(([, text]) => text).join(' ')})` : '';
  // An operation without a name stands alone in its document.
  const isNamed = name !== '' || beside !== '';
  const words = ['mutation', isNamed ? 'M' : '', header, '{', fields, '}', ...all, beside];
  return {
    query: words.filter((word) => word !== '').join(space),
    variables: Object.fromEntries(
      Object.entries(variables).filter(([variable]) => declared.some(([used]) => used === `$${variable}`)),
    ),
    ...(isNamed && { operationName: 'M' }),
  };
}

function textOf({ alias, field, amount, note, when: condition, selection: fields }: Root): string {
  const args = [
    ...(amount === 'none' ? [] : [`amount: ${amount}`]),
    ...(note === undefined || field === 'refund' ? [] : [`note: ${JSON.stringify(note)}`]),
  ];
  return `${alias && `${alias}: `}${field}${args.length > 0 ? `(${args.join(' ')})` : ''} ${condition} ${fields}`;
}

/** The arguments of all calls, as text; undefined where it depends on a condition which of them are made. */
export function argumentsOf({ roots, variables }: Sound): string | undefined {
  if (roots.some(({ when: condition }) => condition !== '')) return undefined;
  return JSON.stringify(
    roots.map(({ field, amount, note }) => [
      field,
      amount === '$amount' ? variables.amount : amount,
      field === 'refund' ? undefined : note,
    ]),
  );
}

const isIn = (text: string, name: string) => new RegExp(`${name}\\b`).test(text);
