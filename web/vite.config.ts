import { defineConfig } from 'vite';

// A running Weft for `npm run dev`; the built page always talks to the host it came from.
const server = 'http://127.0.0.1:8787';

export default defineConfig({
  // Relative, so that the page also works behind a path prefix of a reverse proxy.
  base: './',
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    proxy: { '/v1': server, '/healthz': server, '/ws': { target: server, ws: true } },
  },
});
