import { jsonView } from './json-view.ts';
import { REDACTED, type Secrets } from './secrets.ts';

/** These facts of a message are known before its text comes. */
export interface HttpFacts {
  type: string | undefined;
  isEncoded: boolean;
}

/**
 * Makes an address as it may be shown. In `/orders?token=…` the values of secret parameters are hidden; a path that
 * looks like a secret itself is hidden as a whole.
 */
export function shownAddress(address: string, secrets: Secrets): string {
  const start = address.indexOf('?');
  const path = start < 0 ? address : address.slice(0, start);
  const shownPath = secrets.isText(path) ? REDACTED : path;
  return start < 0 ? shownPath : `${shownPath}?${shownForm(address.slice(start + 1), secrets)}`;
}

/** IsHidden the secret values of a form, `name=value&…`. A field without a secret stays as it is written. */
function shownForm(form: string, secrets: Secrets): string {
  return form
    .split('&')
    .map((field) => {
      const [name, value] = [...new URLSearchParams(field)][0] ?? ['', ''];
      const isHidden =
        partsOf(name).some((part) => secrets.isName(part)) || secrets.isText(`${name} ${value}`);
      if (isHidden) secrets.found?.add(value);
      return isHidden ? `${field.split('=', 1)[0]}=${REDACTED}` : field;
    })
    .join('&');
}

/**
 * Splits the name of a form field, `card[number]` or `user.password`, into its parts, after the whole name itself.
 */
function partsOf(name: string): string[] {
  const parts = name.split(/[[\].]+/).filter((part) => part !== '');
  return [name, ...parts];
}

/**
 * Makes a body as it may be shown, by its type: JSON and forms are looked into, plain text is looked at, anything
 * else is hidden as a whole.
 */
export function shownContent(text: string, { type, isEncoded }: HttpFacts, secrets: Secrets): string {
  if (text === '') return text;
  if (isEncoded) return REDACTED;
  if (type === undefined ? /^\s*[{[]/.test(text) : JSON_TYPE.test(type)) return shownJson(text, secrets);
  if (type === undefined) return REDACTED;
  if (FORM_TYPE.test(type)) return shownForm(text, secrets);
  return PLAIN_TYPE.test(type) && !secrets.isText(text) ? text : REDACTED;
}

const JSON_TYPE = /^[^;]*[/+]json\s*(;|$)/i;
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(;|$)/i;
const PLAIN_TYPE = /^\s*text\/plain\s*(;|$)/i;

function shownJson(text: string, secrets: Secrets): string {
  const view = jsonView(text, { secrets, mostChars: Number.POSITIVE_INFINITY, flat: true, depth: 1 });
  if (!view.isJson) return REDACTED;
  return view.redacted ? view.text : text;
}
