import { parse } from 'lossless-json';
import { type Hides, REDACTED, withoutNames } from '../../server/redact.ts';

interface Content {
  readonly bytes: Buffer | null;
  readonly type: string | null;
  readonly encoding: string | null;
}

export function contentOf(bytes: Buffer | null, headers: Headers): Content {
  return { bytes, type: headers.get('content-type'), encoding: headers.get('content-encoding') };
}

interface RedactedContent {
  readonly bytes: Buffer | null;
  readonly redacted: boolean;
}

/** JSON and forms without what is hidden in them. What can not be looked into is left out as a whole. */
export function redactedContent(
  { bytes, type, encoding }: Content,
  hides: Hides | undefined,
): RedactedContent {
  if (!hides || bytes === null || bytes.length === 0) return { bytes, redacted: false };
  const text = encoding === null ? redactedText(bytes.toString(), type ?? '', hides) : undefined;
  if (text === undefined) return { bytes: null, redacted: true };
  return text.changed ? { bytes: Buffer.from(text.after), redacted: true } : { bytes, redacted: false };
}

/** The query of an address. */
export function redactedQuery(search: string, hides: Hides | undefined): RedactedText {
  return hides ? redactedForm(search, hides) : { after: search, changed: false };
}

interface RedactedText {
  readonly after: string;
  readonly changed: boolean;
}

function redactedText(text: string, type: string, hides: Hides): RedactedText | undefined {
  if (/^[^;]*[/+]json\s*(;|$)/i.test(type)) return redactedJson(text, hides);
  if (/^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return redactedForm(text, hides);
  return undefined;
}

function redactedJson(text: string, hides: Hides): RedactedText | undefined {
  try {
    // Of a name that is given twice `JSON.parse` shows the last content only: this parser throws where the two differ.
    parse(text);
    const body: unknown = JSON.parse(text);
    const shown = withoutNames(body, hides);
    return shown === body ? { after: text, changed: false } : { after: JSON.stringify(shown), changed: true };
  } catch {
    return undefined;
  }
}

function redactedForm(text: string, hides: Hides): RedactedText {
  const fields = [...new URLSearchParams(text)];
  if (!fields.some(([name]) => hides(name))) return { after: text, changed: false };
  const shown = fields.map(([name, value]): [string, string] => [name, hides(name) ? REDACTED : value]);
  return { after: `${text.startsWith('?') ? '?' : ''}${new URLSearchParams(shown)}`, changed: true };
}
