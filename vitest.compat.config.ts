import { defineConfig } from 'vitest/config'

/** Other people's clients and tools against a built broker, one suite after another. REQUIRE_ALL=1 makes a missing tool a failure. */
export default defineConfig({
  ssr: { resolve: { conditions: ['ottla-source'] } },
  test: {
    include: ['tests/{compat,durability}/**/*.test.ts'],
    reporters: ['verbose'],
    retry: Number(process.env.TEST_RETRIES ?? 0),
    testTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 600_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
