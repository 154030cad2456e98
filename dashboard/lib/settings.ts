import { localSetting } from './local-setting.ts';

export const theme = localSetting('theme', ['system', 'light', 'dark']);
export const live = localSetting('live', ['on', 'paused']);
/** The setting turns shortcuts of a single character on or off, as WCAG 2.1.4 asks for. */
export const singleKeys = localSetting('single-keys', ['on', 'off']);
