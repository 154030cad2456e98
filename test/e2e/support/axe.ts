import axe from 'axe-core';
import type { CDPSession, Page } from 'playwright-core';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What is chosen, or the page that one is on. */
const CHOSEN = '[aria-current]:not([aria-current=false]), [role=tab][aria-selected=true]';

/**
 * What is wrong where the system gives the colours, as in the high contrast of Windows: what axe finds; what is chosen, and told by a
 * background alone, for there are none; and texts that keep colours of their own, if they are too faint. The page is left without forced
 * colours.
 *
 * Contrast is not asked of axe: it reads the colour of the stylesheet, which is not the one that is painted then.
 */
export async function forcedColourFaults(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, forcedColors: 'active' });
    const found = [...(await page.evaluate(untold, CHOSEN)), ...(await page.evaluate(faint))];
    faults.push(...found.map((fault) => `${colorScheme}, ${fault}`));
  }
  faults.push(...(await axeViolations(page, { 'color-contrast': { enabled: false } })));
  await page.emulateMedia({ forcedColors: 'none' });
  return faults.map((fault) => `forced colours: ${fault}`);
}

function untold(chosen: string): string[] {
  return [...document.querySelectorAll(chosen)]
    .filter((element) => element.checkVisibility() && getComputedStyle(element).outlineStyle === 'none')
    .map((element) => `not told by an outline: ${element.outerHTML.slice(0, 200)}`);
}

function faint(): string[] {
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const { forcedColorAdjust, color } = getComputedStyle(element);
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    if (forcedColorAdjust !== 'none' || !isText || !element.checkVisibility()) return [];
    let behind: Element | null = element;
    while (behind && /^rgba\(.*, 0\)$/.test(getComputedStyle(behind).backgroundColor))
      behind = behind.parentElement;
    const background = behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)';
    const [darker = 0, lighter = 0] = [color, background]
      .map((text) => {
        const [r = 0, g = 0, b = 0] = (text.match(/[\d.]+/g) ?? []).map((part) => {
          const value = Number(part) / 255;
          return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      })
      .sort((one, other) => one - other);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    return contrast >= 4.5 ? [] : [`${color} on ${background}: ${element.outerHTML.slice(0, 200)}`];
  });
}

const sessions = new WeakMap<Page, Promise<CDPSession>>();
const sessionOf = (page: Page): Promise<CDPSession> => {
  const session = sessions.get(page) ?? page.context().newCDPSession(page);
  sessions.set(page, session);
  return session;
};

/**
 * What axe finds on the page as it is shown now. It runs in a world of its own: the page's policy stays in force, and
 * the page's scripts are not touched.
 */
export async function axeViolations(page: Page, rules: object = {}): Promise<string[]> {
  // A colour on its way to another one has a contrast that nobody asked for: what ends is brought to its end.
  await page.evaluate(() => {
    for (const animation of document.getAnimations())
      if (animation.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY) animation.finish();
  });
  const session = await sessionOf(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  // Chromium gives the same world again until the page is left.
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
    worldName: 'axe',
  });
  const { result: loaded } = await session.send('Runtime.evaluate', { expression: 'typeof axe', contextId });
  if (loaded.value === 'undefined')
    await session.send('Runtime.evaluate', { expression: axe.source, contextId });
  const options = {
    runOnly: { type: 'tag', values: RULES },
    rules,
    resultTypes: ['violations'],
    preload: false,
  };
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 300) + '\\n' + failureSummary)))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(`axe failed: ${exceptionDetails.exception?.description}`);
  return result.value;
}
