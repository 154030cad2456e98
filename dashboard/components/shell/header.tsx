import { CircleHelp, Command, Eye, Moon, Pause, Play, Sun } from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import { Link, useLocation } from 'wouter';
import type { OperatorScopes } from '../../../server/admin/contract/operator.ts';
import { useMe } from '../../hooks/use-me.ts';
import { useServerAway } from '../../hooks/use-server-away.ts';
import { isDark, setTheme } from '../../lib/apply-theme.ts';
import { live, theme } from '../../lib/settings.ts';
import { SearchBox } from '../keys/search-box.tsx';

export const PAGES = [
  ['/', 'Overview'],
  ['/keys', 'Keys'],
  ['/bulk', 'Bulk jobs'],
  ['/audit', 'Audit'],
] as const;

interface HeaderProps {
  readonly search: RefObject<HTMLInputElement | null>;
  readonly onHelp: () => void;
  readonly onPalette: () => void;
}

export function Header({ search, onHelp, onPalette }: HeaderProps) {
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-surface">
      <div className="mx-auto flex max-w-[100rem] flex-wrap items-center gap-x-4 gap-y-1 px-3 py-2 sm:px-5">
        <Link
          href="/"
          className="flex shrink-0 items-center gap-2 font-semibold tracking-tight"
          aria-label="Latchkey, overview"
        >
          <img src="./icon.svg" alt="" width="22" height="22" />
          <span className="max-xl:hidden">Latchkey</span>
        </Link>
        <nav aria-label="Pages" className="-mx-1 flex min-w-0 overflow-x-auto">
          {PAGES.map(([path, label]) => (
            <NavLink key={path} path={path} label={label} />
          ))}
        </nav>
        <div className="flex min-w-0 items-center justify-end gap-1 max-md:w-full md:flex-1">
          <SearchBox inputRef={search} />
          <HeaderButton label="Commands (⌘K)" onClick={onPalette} className="max-sm:hidden">
            <Command aria-hidden className="size-4" />
          </HeaderButton>
          <LiveToggle />
          <ThemeToggle />
          <HeaderButton label="Help and shortcuts (?)" onClick={onHelp}>
            <CircleHelp aria-hidden className="size-4" />
          </HeaderButton>
          <Who />
        </div>
      </div>
    </header>
  );
}

function NavLink({ path, label }: { path: string; label: string }) {
  const [location] = useLocation();
  const active = location === path || (path !== '/' && location.startsWith(`${path}/`));
  const looks = active ? 'bg-accent-soft text-accent' : 'text-muted hover:bg-sunken hover:text-ink';
  return (
    <Link
      href={path}
      aria-current={active ? 'page' : undefined}
      className={`rounded-md px-2.5 py-1.5 font-medium whitespace-nowrap forced-colors:aria-[current]:outline-2 forced-colors:aria-[current]:-outline-offset-2 ${looks}`}
    >
      {label}
    </Link>
  );
}

function LiveToggle() {
  const on = live.use() === 'on';
  const away = useServerAway() && on;
  const Icon = on ? Pause : Play;
  const dot = away ? 'bg-danger' : on ? 'bg-success' : 'bg-in-doubt';
  return (
    <HeaderButton
      label={on ? 'Pause live updates' : 'Resume live updates'}
      {...(away ? { title: 'The server gives no answer: what you see is not up to date' } : {})}
      onClick={() => live.set(on ? 'paused' : 'on')}
      className="w-auto gap-1.5 px-2"
    >
      <span aria-hidden className={`size-1.5 rounded-full ${dot}`} />
      <span aria-hidden className={`text-xs font-medium ${away ? 'text-danger' : 'max-sm:hidden'}`}>
        {away ? 'Server away' : on ? 'Live' : 'Paused'}
      </span>
      <Icon aria-hidden className="size-3.5" />
    </HeaderButton>
  );
}

function ThemeToggle() {
  theme.use();
  const dark = isDark();
  const Icon = dark ? Sun : Moon;
  return (
    <HeaderButton
      label={dark ? 'Use the light theme' : 'Use the dark theme'}
      onClick={() => setTheme(dark ? 'light' : 'dark')}
    >
      <Icon aria-hidden className="size-4" />
    </HeaderButton>
  );
}

function scopesText(scopes: OperatorScopes): string {
  return 'under' in scopes
    ? `the scope ${scopes.under}, and those below it: ${scopes.under}/…`
    : `the scopes ${scopes.join(', ')}`;
}

function Who() {
  const { operator, readOnly, namespace } = useMe();
  const role = readOnly ? `${operator.role}, read-only` : operator.role;
  const scopes = operator.scopes ? ` Limited to ${scopesText(operator.scopes)}.` : '';
  return (
    <span
      className="flex min-w-0 items-center gap-1.5 border-l border-line pl-2.5 text-xs text-muted max-xl:hidden"
      title={`${namespace}.${scopes}`}
    >
      {(readOnly || operator.role === 'viewer') && <Eye aria-hidden className="size-3.5 shrink-0" />}
      <span className="max-w-60 truncate">
        <span className="font-medium text-ink">{operator.id}</span> · {role}
      </span>
    </span>
  );
}

interface HeaderButtonProps {
  readonly label: string;
  /** The tooltip. Default: the label. */
  readonly title?: string;
  readonly onClick: () => void;
  readonly className?: string;
  readonly children: ReactNode;
}

function HeaderButton({ label, title = label, onClick, className = '', children }: HeaderButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={title}
      onClick={onClick}
      className={`inline-flex h-8 min-w-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink ${className}`}
    >
      {children}
    </button>
  );
}
