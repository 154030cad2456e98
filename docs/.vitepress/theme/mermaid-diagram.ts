import { useData } from 'vitepress';
import { defineComponent, h, onMounted, ref, watch } from 'vue';

/** Draws a block of Mermaid in the page's own colours. The library is loaded by pages that have a diagram. */
export const MermaidDiagram = defineComponent({
  props: {
    id: { type: String, required: true },
    /** Encoded as a part of a URI. */
    code: { type: String, required: true },
  },
  setup(props) {
    const { isDark } = useData();
    const svg = ref('');
    async function draw() {
      const { default: mermaid } = await import('mermaid');
      mermaid.initialize({ startOnLoad: false, theme: isDark.value ? 'dark' : 'default' });
      ({ svg: svg.value } = await mermaid.render(props.id, decodeURIComponent(props.code)));
    }
    onMounted(draw);
    watch(isDark, draw);
    return () => h('div', { innerHTML: svg.value });
  },
});
