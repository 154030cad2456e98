import { expect } from 'vitest';
import { it } from './support/it.ts';
import { COLLECTION } from './support/office.ts';
import { waitForState } from './support/operate.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
it.override(
  'officeOptions',
  { scope: 'file' },
  {
    traceUrl: ({ traceId, spanId }) => `https://traces.example/${traceId}?span=${spanId}&a=1`,
  },
);

it('the page of a key leads to the trace of its last run, in a window of its own', async ({
  office,
  visitKey,
}) => {
  await office.send({ key: 'traced' });
  const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
  await office.db.collection(COLLECTION).updateOne({ key: 'traced' }, { $set: { traceparent } });
  await using key = await visitKey('traced');
  const link = key.page.getByRole('link', { name: 'of the last run' });
  await link.waitFor();
  expect(await link.getAttribute('href')).toBe(`https://traces.example/${TRACE}?span=b7ad6b7169203331&a=1`);
  expect(await link.getAttribute('target')).toBe('_blank');
  expect(await link.getAttribute('rel')).toBe('noreferrer');
  expect(key.problems).toEqual([]);
});

it('that of a key which was not traced has no such link', async ({ office, visitKey }) => {
  await office.send({ key: 'plain' });
  await using key = await visitKey('plain');
  await waitForState(key.page, 'Completed');
  await key.page.getByRole('heading', { name: 'Record' }).waitFor();
  expect(await key.page.getByRole('link', { name: 'of the last run' }).count()).toBe(0);
});
