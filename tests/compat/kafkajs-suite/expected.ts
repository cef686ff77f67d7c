// Tests of KafkaJS that do not pass with this client, each with the reason why that is as it should be.

/** A test that is expected to fail. */
export interface ExpectedFailure {
  readonly file: string
  /** Names of describe blocks and of the test, or the beginning of them. */
  readonly test: string
  readonly reason: string
}

/** See above. */
export const expectedFailures: readonly ExpectedFailure[] = []
