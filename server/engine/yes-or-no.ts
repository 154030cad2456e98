import { andThen, type MaybePromise } from './maybe-promise.ts';
import { whatCame } from './what-came.ts';

/**
 * Gives what a developer's function has answered.
 * @param option names the function: `authorizeReplay`
 * @throws TypeError for anything but a boolean, such as the `user?.isAdmin` of nobody: it must not let a call through unprotected, nor show
 * an answer
 */
export function yesOrNo(option: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`Expected \`${option}\` to return true or false, got ${whatCame(answer)}`);
}

/**
 * Tells whether an option (`aSwitch`) is true for a call.
 * @param call makes the call object, where a function is asked
 * @throws TypeError for a function that gives anything but a boolean, and whatever it throws
 */
export function isSwitchedOn<Call>(
  option: string,
  given: boolean | ((call: Call) => MaybePromise<boolean>),
  call: () => Call,
): MaybePromise<boolean> {
  return typeof given === 'function'
    ? andThen<unknown, boolean>(given(call()), (answer) => yesOrNo(option, answer))
    : given;
}
