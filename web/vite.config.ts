import { defineConfig } from 'vite';

// A running Weft for `npm run dev`; the built page always talks to the host it came from.
const server = 'http://127.0.0.1:8787';

export default defineConfig({
  // Relative, so that the page also works behind a path prefix of a reverse proxy.
  base: './',
  // The provider lies in clients/js, with packages of its own: Yjs must be there once.
  resolve: { dedupe: ['yjs', 'y-protocols', 'lib0'] },
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    proxy: {
      '/v1': server,
      '/healthz': server,
      '/ws': { target: server, ws: true },
      '/socket.io': { target: server, ws: true },
    },
  },
});
