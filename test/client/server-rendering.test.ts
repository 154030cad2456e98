import { createElement } from 'react';
import { expect, it } from 'vitest';
import { currentPage } from '../../plugin/client/page.ts';
import { useIdempotencyKey } from '../../plugin/client/react.ts';

// Without its types, which come in a package of their own.
const { renderToString }: { renderToString(element: object): string } = await import(
  'react-dom/server' as string
);

it('a server renders no operation, and keeps none between its users', () => {
  function Status() {
    const { key, unsettled, mustConfirm } = useIdempotencyKey({ storageKey: 'checkout' });
    return JSON.stringify({ key, unsettled, mustConfirm });
  }
  expect(currentPage()).toBeUndefined();
  expect(renderToString(createElement(Status))).toContain(
    'unsettled&quot;:false,&quot;mustConfirm&quot;:false',
  );
});
