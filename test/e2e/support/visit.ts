import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Office } from './office.ts';

export interface VisitOptions {
  readonly operator?: 'ada' | 'olga' | 'oscar' | 'vic' | 'scott';
  readonly context?: BrowserContextOptions;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What must not happen on any page: violations of the CSP, errors in the console or of scripts, refused requests. */
  readonly problems: string[];
}

/** An operator's browser, with a session of its own, on a page of the dashboard. The CSP is in force, as for anybody. */
export async function visit(
  browser: Browser,
  office: Office,
  path: string,
  { operator = 'olga', context: options = {} }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.addCookies([{ name: 'session', value: operator, url: office.at('/') }]);
  const page = await context.newPage();
  const problems = await watch(page);
  await page.goto(office.at(path));
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}

/** What must not happen on a page, as it happens. */
export async function watch(page: Page): Promise<string[]> {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      problems.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  await page.exposeFunction('reportViolation', (violation: string) => problems.push(`csp: ${violation}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      const { reportViolation } = globalThis as unknown as { reportViolation: (violation: string) => void };
      reportViolation(
        `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
      );
    });
  });
  return problems;
}
