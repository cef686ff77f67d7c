// Loaded before each fuzzer: how long all of them run, from which seed, and what they print. FUZZ_SECONDS and FUZZ_EXECUTIONS as in CONTRIBUTING.
import * as fc from 'fast-check'

const executions = Number(process.env.FUZZ_EXECUTIONS ?? 0)
const limit =
  executions === 0
    ? { numRuns: Infinity, interruptAfterTimeLimit: Number(process.env.FUZZ_SECONDS ?? 1) * 1000, markInterruptAsFailure: false }
    : { numRuns: executions }

fc.configureGlobal({
  seed: Number(process.env.FUZZ_SEED),
  ...limit,
  reporter(details) {
    // Where the time was over before anything was done, the machine was busy, and nothing is wrong.
    const hasFailed = details.failed && !(details.interrupted && details.counterexample === null)
    if (hasFailed) throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance })
    console.info(`${details.numRuns} executions of FUZZ_SEED=${details.seed}`)
  },
})
