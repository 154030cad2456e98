import { describe, expect, it } from 'vitest';
import { auditFilterOf, auditParams, auditTerms } from '../../dashboard/lib/audit-terms.ts';

const NOW = Date.UTC(2026, 0, 31, 8, 0, 30);

describe('the filter of the audit', () => {
  it.each([
    ['', {}],
    ['?by=ada&action=expire', { by: 'ada', action: 'expire' }],
    ['?words=not+charged&last=24h', { words: 'not charged', last: '24h' }],
    ['?key=a%2525', { key: 'a%25' }],
  ])('has an address that reads back: %j', (search, terms) => {
    expect(auditTerms(search)).toEqual(terms);
    expect(auditParams(terms)).toBe(search);
  });

  it('leaves out what is blank', () => {
    expect(auditParams({ words: '  ', by: '' })).toBe('');
  });

  it.each([
    ['1h', Date.UTC(2026, 0, 31, 7)],
    ['7d', Date.UTC(2026, 0, 24, 8)],
    ['a while', undefined],
  ])('begins at a whole minute: the last %s', (last, from) => {
    expect(auditFilterOf({ last, words: 'x' }, NOW)).toEqual({
      words: 'x',
      ...(from !== undefined && { from }),
    });
  });
});
