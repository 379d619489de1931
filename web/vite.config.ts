import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The font's licence travels with the font. */
const fontLicence = (): Plugin => ({
  name: 'font-licence',
  generateBundle() {
    this.emitFile({
      type: 'asset',
      fileName: 'assets/inter-LICENSE.txt',
      source: readFileSync(here('node_modules/@fontsource-variable/inter/LICENSE')),
    });
  },
});

export default defineConfig({
  base: '/static/',
  plugins: [fontLicence()],
  build: {
    outDir: here('../services/gateway/static'),
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: ['es2022', 'chrome111'], // wall TVs run old browsers
    assetsInlineLimit: 0, // the content security policy allows no data: fonts or scripts
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: here('index.html'), client: here('client.html') },
    },
  },
  server: {
    proxy: {
      '^/(ticket|queue|health)': 'http://127.0.0.1:58615',
      '^/[^/]+/(long-poll|sse|websocket)$': { target: 'http://127.0.0.1:58615', ws: true },
    },
  },
});
