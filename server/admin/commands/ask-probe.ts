import { isObject } from '../../engine/option-checks.ts';
import { whatCame } from '../../engine/what-came.ts';
import type { Evidence } from '../contract/contract.ts';
import type { Probe, ProbedRecord } from '../contract/probe.ts';

const PROBE_MS = 10_000;
const LONGEST_SUMMARY = 1_000;
const LONGEST_LINK = 2_000;
/** An operator may give no longer response. */
const LONGEST_DATA = 1_048_576;

export type Findings = Pick<Evidence, 'found' | 'summary' | 'data' | 'link'>;

/** Asks a probe, for a bounded time. It never rejects: what a probe does not say is not known. */
export async function askProbe(
  probe: Probe,
  record: Omit<ProbedRecord, 'signal'>,
  timeoutMs = PROBE_MS,
): Promise<Findings> {
  const timeout = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Findings>((resolve) => {
    timer = setTimeout(() => {
      timeout.abort();
      resolve(notKnown(`The probe did not answer within ${timeoutMs / 1_000} seconds.`));
    }, timeoutMs);
  });
  try {
    const asked = async () => findingsOf(await probe({ ...record, signal: timeout.signal }));
    return await Promise.race([late, asked()]);
  } catch (error) {
    return notKnown(`The probe failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

const notKnown = (summary: string): Findings => ({
  found: 'unknown',
  summary: summary.slice(0, LONGEST_SUMMARY),
  data: null,
  link: null,
});

function findingsOf(answer: unknown): Findings {
  if (!isObject(answer))
    return notKnown(`Expected the probe to answer with an object, got ${whatCame(answer)}`);
  const { found, summary, data, link } = answer;
  if (typeof found !== 'boolean' && found !== null)
    return notKnown(`Expected the probe's \`found\` to be true, false or null, got ${whatCame(found)}`);
  if (typeof summary !== 'string' || summary.trim() === '')
    return notKnown(`Expected the probe's \`summary\` to be a sentence, got ${whatCame(summary)}`);
  if (link !== undefined && !isLink(link))
    return notKnown(`Expected the probe's \`link\` to be an address of http or https, got ${whatCame(link)}`);
  const text = data === undefined ? null : JSON.stringify(data);
  if (text === undefined || (text !== null && text.length > LONGEST_DATA))
    return notKnown(`Expected the probe's \`data\` to be JSON of at most 1 MB, got ${whatCame(data)}`);
  return {
    found: found === null ? 'unknown' : found ? 'yes' : 'no',
    summary: summary.slice(0, LONGEST_SUMMARY),
    data: text,
    link: link ?? null,
  };
}

function isLink(link: unknown): link is string {
  if (typeof link !== 'string' || link.length > LONGEST_LINK || !URL.canParse(link)) return false;
  return /^https?:$/.test(new URL(link).protocol);
}
