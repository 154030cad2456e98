import { localSetting } from './local-setting.ts';

export const theme = localSetting('theme', ['system', 'light', 'dark']);
export const live = localSetting('live', ['on', 'paused']);
/** WCAG 2.1.4: shortcuts of a single character can be turned off. */
export const singleKeys = localSetting('single-keys', ['on', 'off']);
