import { type Theme, useData } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import { createMermaidRenderer } from 'vitepress-mermaid-renderer';
import { h, nextTick, watch } from 'vue';

export default {
  extends: DefaultTheme,
  Layout() {
    const { isDark } = useData();
    const draw = () => createMermaidRenderer({ theme: isDark.value ? 'dark' : 'default' });
    nextTick(draw);
    watch(isDark, draw);
    return h(DefaultTheme.Layout);
  },
} satisfies Theme;
