import { defineConfig } from 'vitest/config'

/**
 * One seed for all fuzzers and property tests: the same each time, so that a change is judged by itself and not by luck. `FUZZ_SEED=random`
 * looks for what nobody has met yet.
 */
const seed = process.env.FUZZ_SEED === 'random' ? String(Math.floor(Math.random() * 2 ** 31)) : (process.env.FUZZ_SEED ?? '1')

/** By how much more than usual simulations are to be looked at: so many times as many seeds. */
const simulationTimes = process.env.SIMULATION_TIMES ?? '1'

/** Fuzzers that run until they have done so much have no time limit; the others are slow to stop on a busy machine. */
const fuzzTimeout = process.env.FUZZ_EXECUTIONS ? 0 : (Number(process.env.FUZZ_SECONDS ?? 1) + 60) * 1000

/** Tests run on the sources: no build is needed to change a line and see it tested. */
const shared = { ssr: { resolve: { conditions: ['ottla-source'] } } }
const common = { env: { FUZZ_SEED: seed, SIMULATION_TIMES: simulationTimes }, testTimeout: 60_000, pool: 'forks' } as const

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          ...common,
          name: 'tests',
          include: ['packages/*/src/**/*.test.ts', 'tests/client/**/*.test.ts', 'examples/**/*.test.ts', 'tools/**/*.test.ts'],
          setupFiles: ['tools/seeded-tests.ts'],
          // Files share workers and what those have imported, which is half of the time. So a test leaves no module changed.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          benchmark: { include: ['packages/*/src/**/*.bench.ts'] },
        },
      },
      {
        ...shared,
        test: {
          ...common,
          name: 'fuzz',
          include: ['packages/*/src/**/*.fuzz.ts'],
          setupFiles: ['tools/fuzzing.ts'],
          testTimeout: fuzzTimeout,
          // Each in a process of its own, whose memory is looked at; after the tests, so that those are not kept from sharing workers.
          sequence: { groupOrder: 1 },
          benchmark: { include: [] },
        },
      },
    ],
    // What a test prints is shown when it fails, and always in CI and where fuzzers are asked for a number of executions.
    silent: process.env.CI || process.env.FUZZ_EXECUTIONS ? false : 'passed-only',
    reporters: process.env.CI ? ['default'] : ['dot'],
    // A test that needed a second try is named in the output of CI, and is a defect to be found: of the test or of what it tests.
    retry: Number(process.env.TEST_RETRIES ?? 0),
    slowTestThreshold: 2000,
    maxWorkers: '100%',
  },
})
