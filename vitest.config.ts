import { defineConfig } from 'vitest/config'

/**
 * One seed for all fuzzers and property tests: the same each time, so that a change is judged by itself and not by luck. `FUZZ_SEED=random`
 * looks for what nobody has met yet.
 */
const seed = process.env.FUZZ_SEED === 'random' ? String(Math.floor(Math.random() * 2 ** 31)) : (process.env.FUZZ_SEED ?? '1')

/** Tests run on the sources: no build is needed to change a line and see it tested. */
export default defineConfig({
  ssr: { resolve: { conditions: ['ottla-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.{test,fuzz,contract.test}.ts',
      'tests/client/**/*.test.ts',
      'examples/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    env: { FUZZ_SEED: seed },
    setupFiles: ['tools/seeded-tests.ts'],
    benchmark: { include: ['packages/*/src/**/*.bench.ts'] },
    // What a test prints, such as the seed of a fuzzer, is shown when it fails, and always in CI.
    silent: process.env.CI ? false : 'passed-only',
    reporters: process.env.CI ? ['default'] : ['dot'],
    // A test that needed a second try is named in the output of CI, and is a defect to be found: of the test or of what it tests.
    retry: Number(process.env.TEST_RETRIES ?? 0),
    slowTestThreshold: 2000,
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: '100%',
  },
})
