import type { ButtonHTMLAttributes } from 'react';

const TONES = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-110',
  danger: 'bg-danger-solid text-accent-ink border-transparent hover:brightness-110',
  soft: 'bg-accent-soft text-accent border-accent/40 hover:border-accent',
  plain: 'bg-surface text-ink border-line-strong/60 hover:border-line-strong hover:bg-sunken',
  /** The button begins what can not be taken back, before it is confirmed. */
  risk: 'bg-surface text-danger border-danger/50 hover:border-danger hover:bg-danger-soft',
  quiet: 'border-transparent text-muted hover:text-ink hover:bg-sunken',
} as const;

export type ButtonTone = keyof typeof TONES;

/** Makes the looks of a button, for an element that must be a link. */
export function buttonClass(tone: ButtonTone = 'plain', size: 'small' | 'normal' = 'normal'): string {
  const space = size === 'small' ? 'min-h-7 px-2 text-xs' : 'min-h-8 px-3 text-sm';
  return (
    `inline-flex items-center justify-center gap-1.5 rounded-md border font-medium motion-safe:transition-colors ${space} ${TONES[tone]} ` +
    'disabled:cursor-not-allowed disabled:opacity-55 disabled:hover:brightness-100 aria-disabled:cursor-not-allowed'
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly tone?: ButtonTone;
  readonly size?: 'small' | 'normal';
}

export function Button({ tone = 'plain', size = 'normal', className = '', ...props }: ButtonProps) {
  return <button type="button" {...props} className={`${buttonClass(tone, size)} ${className}`} />;
}
