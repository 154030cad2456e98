import { useHotkeys } from './use-hotkeys.ts';

/** `j` and `k` move the focus along the rows, `x` selects the one that has it. Enter follows its link, as everywhere. */
export function useRowKeys(toggle: (id: string) => void): void {
  useHotkeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const id = focusedRow()?.dataset.row;
      if (id !== undefined) toggle(id);
    },
  });
}

export function focusFirstRow(): void {
  rows()[0]?.focus();
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('a[data-row]')];
}

function focusedRow(): HTMLElement | undefined {
  const row = document.activeElement?.closest('tr');
  return rows().find((link) => link.closest('tr') === row);
}

function move(step: 1 | -1) {
  const links = rows();
  const focused = focusedRow();
  const next = focused ? links.indexOf(focused) + step : step === 1 ? 0 : links.length - 1;
  links[next]?.focus();
}
