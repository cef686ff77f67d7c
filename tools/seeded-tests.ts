// Loaded before each test file: property tests take the seed of the run, as the fuzzers do. A failure prints the seed besides.
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: Number(process.env.FUZZ_SEED) })
