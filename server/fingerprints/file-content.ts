import { createHash } from 'node:crypto';

export interface FileContent {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * Reads what counts of a file as an argument. Its time does not, for that is when it arrived.
 *
 * It reads in pieces: servers hold the file in memory already, and a copy would double that.
 */
export async function fileContent(file: File): Promise<FileContent> {
  const { name, type, size } = file;
  const hash = createHash('sha256');
  for await (const piece of file.stream()) hash.update(piece);
  return { name, type, size, sha256: hash.digest('hex') };
}
