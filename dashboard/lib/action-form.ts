import type { OfferedAction } from '../../server/admin/contract/contract.ts';
import { REASON_MIN_LENGTH } from './actions.ts';

export interface ActionForm {
  readonly reason: string;
  /** The response is the data of `complete` as JSON text, or the message of `fail`. */
  readonly response: string;
  readonly confirm: string;
  readonly mayRepeat: boolean;
  /** The response began as that of another key; null when it did not. */
  readonly like: { readonly key: string; readonly given: string } | null;
  /** The operator acts upon the evidence of this id; null where none was taken over. */
  readonly evidence: string | null;
}

export const emptyForm: ActionForm = {
  reason: '',
  response: '',
  confirm: '',
  mayRepeat: false,
  like: null,
  evidence: null,
};

export type ActionProblems = { readonly [field in keyof ActionForm]?: string };

/** Says what is still missing, by field. The server checks all of it again. */
export function problemsOf({ action, confirm, mayRepeat }: OfferedAction, form: ActionForm): ActionProblems {
  const problems: { -readonly [field in keyof ActionProblems]: ActionProblems[field] } = {};
  if (form.reason.trim().length < REASON_MIN_LENGTH) {
    problems.reason = `Give a reason of at least ${REASON_MIN_LENGTH} characters.`;
  }
  if (action === 'complete') Object.assign(problems, jsonProblem(form.response), likeProblem(form));
  if (action === 'fail' && form.response.trim() === '') problems.response = 'Give the message of the error.';
  if (confirm !== null && form.confirm !== confirm) problems.confirm = `Type ${confirm}.`;
  if (mayRepeat && !form.mayRepeat) problems.mayRepeat = 'Confirm that the effect may happen twice.';
  return problems;
}

/** The response of another key tells its ids and amounts to a client that never asked for them. */
function likeProblem({ response, like }: ActionForm): ActionProblems {
  if (like === null || response.trim() !== like.given.trim()) return {};
  return { response: `This is still the response of ${like.key}. Write what is of this key into it.` };
}

function jsonProblem(text: string): ActionProblems {
  if (text.trim() === '')
    return { response: 'Give the data that retries get, as JSON. `null` is JSON, too.' };
  try {
    JSON.parse(text);
    return {};
  } catch (error) {
    return { response: `This is not JSON: ${error instanceof Error ? error.message : error}` };
  }
}
