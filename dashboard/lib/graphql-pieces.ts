/** A piece of a GraphQL document has one colour. */
export interface GraphQLPiece {
  readonly text: string;
  readonly kind: 'word' | 'keyword' | 'variable' | 'value' | 'comment' | 'mark';
}

const PIECE =
  /(?<comment>#[^\n\r]*)|(?<value>"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|-?\d[\d.eE+-]*)|(?<variable>\$\w+)|(?<word>\w+)|(?<mark>[^\w#"$]+|[\s\S])/g;
const KEYWORDS = /^(?:mutation|query|subscription|fragment|on|true|false|null)$/;

/** Splits a document for its colours. The pieces together are the text, whatever the text is. */
export function graphqlPieces(text: string): readonly GraphQLPiece[] {
  return [...text.matchAll(PIECE)].map(({ 0: piece, groups = {} }) => {
    const [kind] = Object.entries(groups).find(([, found]) => found !== undefined) ?? ['mark'];
    const isKeyword = kind === 'word' && KEYWORDS.test(piece);
    return { text: piece, kind: isKeyword ? 'keyword' : (kind as GraphQLPiece['kind']) };
  });
}
