import { z } from 'zod';
import { whatCame } from '../../engine/what-came.ts';

type Issue = z.core.$ZodIssue;

const MOST = 3;

/**
 * Says what is wrong with an input, for somebody who reads no schema: the field, what was expected, and what came.
 */
export function inputProblems(error: z.core.$ZodError, input: unknown): string {
  const problems = error.issues.slice(0, MOST).map((issue) => problemOf(issue, input));
  const left = error.issues.length - problems.length;
  return `${problems.join('; ')}${left > 0 ? `; and ${left} more` : ''}`;
}

export const isInputError = (error: unknown): error is z.core.$ZodError => error instanceof z.core.$ZodError;

function problemOf(issue: Issue, input: unknown): string {
  const name = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const fields = issue.keys.map((key) => `\`${nameOf([...issue.path, key]).slice(0, LONGEST)}\``);
    return `Unknown field ${fields.slice(0, MOST).join(', ')}`;
  }
  const came = whatCame(issue.path.reduce<unknown>(fieldOf, input));
  return `Expected ${name === '' ? 'the input' : `\`${name}\``} to be ${expectedBy(issue)}, got ${came}`;
}

const LONGEST = 100;

const nameOf = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (name, step) =>
      typeof step === 'number' ? `${name}[${step}]` : name === '' ? String(step) : `${name}.${String(step)}`,
    '',
  );

function fieldOf(value: unknown, step: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<PropertyKey, unknown>)[step]
    : undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

function expectedBy(issue: Issue): string {
  // Some schemas say the problem in their own words: "Expected the id of a record".
  if (issue.message.startsWith(OWN)) return issue.message.slice(OWN.length);
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? `of type ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `${sizeOf(issue.origin, issue.minimum)} or more`;
    case 'too_big':
      return `${sizeOf(issue.origin, issue.maximum)} or fewer`;
    case 'invalid_format':
      return issue.format === 'uuid' ? 'the id of a job' : 'of another form';
    default:
      return 'something else';
  }
}

const OWN = 'Expected ';

function sizeOf(origin: string, size: number | bigint): string {
  if (origin === 'string') return `a text of ${size} characters`;
  return origin === 'array' ? `a list of ${size}` : String(size);
}
