import { parse } from 'lossless-json';
import { type IsHidden, REDACTED, withoutNames } from '../../server/formats/redact.ts';

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
export function redactContent(
  { bytes, type, encoding }: Content,
  isHidden: IsHidden | undefined,
): RedactedContent {
  if (!isHidden || bytes === null || bytes.length === 0) return { bytes, redacted: false };
  const text = encoding === null ? redactText(bytes.toString(), type ?? '', isHidden) : undefined;
  if (text === undefined) return { bytes: null, redacted: true };
  return text.changed ? { bytes: Buffer.from(text.after), redacted: true } : { bytes, redacted: false };
}

/** The query of an address. */
export function redactQuery(search: string, isHidden: IsHidden | undefined): RedactedText {
  return isHidden ? redactForm(search, isHidden) : { after: search, changed: false };
}

interface RedactedText {
  readonly after: string;
  readonly changed: boolean;
}

function redactText(text: string, type: string, isHidden: IsHidden): RedactedText | undefined {
  if (/^[^;]*[/+]json\s*(;|$)/i.test(type)) return redactJson(text, isHidden);
  if (/^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return redactForm(text, isHidden);
  return undefined;
}

function redactJson(text: string, isHidden: IsHidden): RedactedText | undefined {
  try {
    // Of a name that is given twice `JSON.parse` shows the last content only: this parser throws where the two differ.
    parse(text);
    const body: unknown = JSON.parse(text);
    const shown = withoutNames(body, isHidden);
    return shown === body ? { after: text, changed: false } : { after: JSON.stringify(shown), changed: true };
  } catch {
    return undefined;
  }
}

function redactForm(text: string, isHidden: IsHidden): RedactedText {
  const fields = [...new URLSearchParams(text)];
  if (!fields.some(([name]) => isHidden(name))) return { after: text, changed: false };
  const shown = fields.map(([name, value]): [string, string] => [name, isHidden(name) ? REDACTED : value]);
  return { after: `${text.startsWith('?') ? '?' : ''}${new URLSearchParams(shown)}`, changed: true };
}
