import { defineConfig } from 'vitest/config'

/** Tests run on the sources: no build is needed to change a line and see it tested. */
export default defineConfig({
  ssr: { resolve: { conditions: ['ottla-source'] } },
  test: {
    include: ['packages/*/src/**/*.{test,fuzz,contract.test}.ts', 'tools/**/*.test.ts'],
    benchmark: { include: ['packages/*/src/**/*.bench.ts'] },
    // What a test prints, such as the seed of a fuzzer, is shown when it fails, and always in CI.
    silent: process.env.CI ? false : 'passed-only',
    reporters: process.env.CI ? ['default'] : ['dot'],
    slowTestThreshold: 2000,
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: '100%',
  },
})
