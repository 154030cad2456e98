import { createHash } from 'node:crypto';

/**
 * What of a file counts as an argument: name, type, size and content. Its time does not, for that is when it arrived. As a
 * Map, which no client can send in the file's place.
 *
 * In pieces: servers hold the file in memory already, and a copy would double that.
 */
export async function fileContent(file: File): Promise<ReadonlyMap<string, unknown>> {
  const { name, type, size } = file;
  const hash = createHash('sha256');
  for await (const piece of file.stream()) hash.update(piece);
  return new Map(Object.entries({ name, type, size, sha256: hash.digest('hex') }));
}
