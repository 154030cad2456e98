import { describe } from 'vitest';
import { hostContract } from './host-contract.ts';
import { HOSTS } from './hosts.ts';

describe.each(Object.entries(HOSTS))('%s', (_, start) => hostContract(start));
