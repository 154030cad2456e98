import { hash } from 'node:crypto';

const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i;

export interface ComparableBody {
  readonly contentType: string | null;
  /** SHA-256 of the bytes; of a multipart body, of each of its parts. */
  readonly body: string | readonly string[];
}

/**
 * Makes of a body what it is compared by. Clients make a new multipart boundary for each attempt, so that one is left out, and each
 * part counts with its headers (the field's name, the file's name and type) and its content. Nothing else is
 * interpreted: two bodies that a handler could tell apart by anything but the boundary never count as the same.
 */
export function comparableBody(contentType: string | null, bytes: Buffer): ComparableBody {
  const [parameter, quoted, bare] = multipartBoundary(contentType);
  const boundary = quoted ?? bare;
  if (contentType === null || parameter === undefined || boundary === undefined)
    return { contentType, body: sha256(bytes) };
  return { contentType: contentType.replace(parameter, ''), body: between(bytes, boundary).map(sha256) };
}

function multipartBoundary(contentType: string | null): readonly (string | undefined)[] {
  return (/^\s*multipart\//i.test(contentType ?? '') && contentType?.match(BOUNDARY)) || [];
}

/** The parts as they are, with what stands before the first delimiter and after the last. */
function between(bytes: Buffer, boundary: string): Buffer[] {
  // The line break before a delimiter belongs to it; only the first may stand at the very beginning.
  const body = Buffer.concat([Buffer.from('\r\n'), bytes]);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const pieces: Buffer[] = [];
  let start = 0;
  for (;;) {
    const end = body.indexOf(delimiter, start);
    if (end === -1) return [...pieces, body.subarray(start)];
    pieces.push(body.subarray(start, end));
    start = end + delimiter.length;
  }
}

const sha256 = (bytes: Buffer) => hash('sha256', bytes, 'hex');
