/** Cuts a text to at most so many UTF-8 bytes, and leaves no half character. */
export function cutText(text: string, mostBytes: number): { text: string; cut: boolean } {
  if (text.length * 3 <= mostBytes || Buffer.byteLength(text) <= mostBytes) return { text, cut: false };
  const bytes = new Uint8Array(mostBytes);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return { text: text.slice(0, read), cut: true };
}
