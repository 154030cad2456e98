import { userInfo } from 'node:os';

/** Names the user who runs this process, by the operating system. In a container the number may have no name. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
