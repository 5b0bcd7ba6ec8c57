import { defineConfig } from 'vite'

export default defineConfig({
  base: '/graphiql/',
  build: {
    target: 'es2022',
    sourcemap: false,
    // Every browser of that target knows module preload.
    modulePreload: { polyfill: false },
    // Monaco alone is about 3 MB; it loads after the page is on screen.
    chunkSizeWarningLimit: 4000,
    // The notices of all that is bundled must travel with it.
    license: { fileName: 'assets/licenses.md' },
    rolldownOptions: {
      // GraphiQL, the reports and the deal card. All take their assets from `base`.
      input: ['index.html', 'reports.html', 'card.html'],
      // "use client" means nothing on a page that has no server side.
      onLog: (level, log, report) => log.code === 'MODULE_LEVEL_DIRECTIVE' || report(level, log),
    },
  },
  // One file per worker: the gateway lets files below the page load nothing further.
  worker: { format: 'iife' },
  // `npm run dev` talks to a gateway that is already running.
  server: {
    // The deal card's model is in deploy/hubspot: HubSpot takes no file from outside its folder.
    fs: { allow: ['..'] },
    proxy: Object.fromEntries(['/graphql', '/reports'].map((path) => [path, process.env.SPINE ?? 'http://127.0.0.1:4000'])),
  },
})
