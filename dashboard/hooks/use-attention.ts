import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { live } from '../lib/settings.ts';
import { attentionQuery } from '../queries.ts';
import { useTitlePrefix } from './use-page-title.ts';

/** The tab tells it while another one is in front, so it is asked for then, too, and less often. */
const POLL_MS = 15_000;

/** Shows in the tab's title and icon how many keys wait for a decision: those in doubt, and those whose worker was lost. */
export function useAttentionInTab(): void {
  const refetchInterval = live.use() === 'on' && POLL_MS;
  const { data } = useQuery({ ...attentionQuery, refetchInterval, refetchIntervalInBackground: true });
  const waiting = data ? data.inDoubt.count + data.lapsed.count : 0;
  const isMore = data?.inDoubt.capped || data?.lapsed.capped;
  useTitlePrefix(waiting === 0 ? '' : `(${waiting}${isMore ? '+' : ''})`);
  useEffect(() => {
    const icon = document.querySelector('link[rel=icon]');
    icon?.setAttribute('href', waiting === 0 ? './icon.svg' : './icon-attention.svg');
  }, [waiting]);
}
