export type Row = Readonly<Record<string, string | number>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('No value to take the median of');
  return (low + high) / 2;
}

/** Prints the rows of one table as Markdown, each as soon as it is known. */
export function markdownTable(title: string): (row: Row) => void {
  let started = false;
  return (row) => {
    if (!started) {
      console.log(`\n### ${title}\n`);
      console.log(`| ${Object.keys(row).join(' | ')} |`);
      console.log(
        `|${Object.keys(row)
          .map(() => '---|')
          .join('')}`,
      );
      started = true;
    }
    console.log(`| ${Object.values(row).join(' | ')} |`);
  };
}
