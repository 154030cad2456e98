import { useEffect } from 'react';

let page = 'Latchkey';
let prefix = '';

/** Names the page in the browser's tab and history. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    page = title;
    write();
  }, [title]);
}

/** Puts a text such as `(3)` before the name of every page. */
export function useTitlePrefix(text: string): void {
  useEffect(() => {
    prefix = text;
    write();
  }, [text]);
}

function write() {
  document.title = `${prefix === '' ? '' : `${prefix} `}${page} · Latchkey`;
}
