import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // Ages and times must not hang on where the tests run.
    env: { TZ: 'UTC' },
  },
})
