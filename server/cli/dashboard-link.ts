import { type Command, InvalidArgumentError, Option } from 'commander';
import { recordUrl } from '../admin/page/record-url.ts';

/** Adds the option that says where the dashboard of the server is. */
export function withDashboardUrl(command: Command): Command {
  return command.addOption(
    new Option('--dashboard-url <url>', 'the address of your dashboard, to print the link to the key')
      .env('LATCHKEY_DASHBOARD_URL')
      .argParser(addressOf),
  );
}

/** Makes the link to a key's page; null where nobody said where the dashboard is. */
export function linkTo(dashboardUrl: string | undefined, recordId: string): string | null {
  return dashboardUrl === undefined ? null : recordUrl(dashboardUrl, { recordId });
}

function addressOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Expected an address such as https://admin.shop.example/keys.');
}
