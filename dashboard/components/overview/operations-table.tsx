import { Link } from 'wouter';
import type { Overview } from '../../../server/admin/contract/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatCount } from '../../lib/format.ts';
import { listPath } from '../../lib/list-address.ts';
import { operationPath } from '../../lib/operation-path.ts';
import { Unknown } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

const COLUMNS = [
  ['Runs', ''],
  ['Errors', ''],
  ['Replays', 'max-sm:hidden'],
  ['p95', ''],
] as const;

export function OperationsTable({ operations }: Pick<Overview, 'operations'>) {
  if (operations.length === 0) return null;
  return (
    <section aria-label="Operations" className="card overflow-hidden">
      <h2 className="px-4 pt-3 pb-1 font-semibold">Operations</h2>
      <table className="w-full table-fixed text-right">
        <thead>
          <tr className="border-b border-line text-xs text-muted">
            <th scope="col" className="px-4 py-2 text-left font-semibold">
              Operation
            </th>
            {COLUMNS.map(([label, show]) => (
              <th key={label} scope="col" className={`w-18 px-2 py-2 font-semibold sm:w-28 sm:px-4 ${show}`}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {operations.map(({ operation, runs, errors, replays, p95Ms }) => (
            <tr key={operation} className="border-b border-line last:border-0 hover:bg-sunken">
              <th scope="row" className="truncate px-4 py-1.5 text-left font-normal" title={operation}>
                <Link className="font-mono hover:underline" href={operationPath(operation)}>
                  <Verbatim text={operation} />
                </Link>
              </th>
              <td className="px-2 sm:px-4">{formatCount(runs)}</td>
              <td className="px-2 sm:px-4">
                {errors === 0 ? (
                  <span className="text-muted">0</span>
                ) : (
                  <Link
                    className="font-semibold text-error hover:underline"
                    href={listPath({ operation, error: true })}
                  >
                    {formatCount(errors)}
                  </Link>
                )}
              </td>
              <td className="px-2 max-sm:hidden sm:px-4">{formatCount(replays)}</td>
              <td className="px-2 whitespace-nowrap sm:px-4">
                {p95Ms === null ? <Unknown /> : formatDuration(p95Ms)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
