import type { MarkdownRenderer } from 'vitepress';

/** Makes a `MermaidDiagram` of each block of Mermaid; other blocks stay code. */
export function mermaidBlocks(md: MarkdownRenderer): void {
  const { fence } = md.renderer.rules;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info = '', content = '' } = tokens[index] ?? {};
    if (info.trim() !== 'mermaid') return fence?.(tokens, index, ...rest) ?? '';
    return `<MermaidDiagram id="diagram-${index}" code="${encodeURIComponent(content)}" />`;
  };
}
