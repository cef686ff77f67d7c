// Tests of KafkaJS that do not pass with this client, each with the reason why that is as it should be.

/** What the specs run against. */
export type Brokers = 'ottla' | 'kafka'

/** A test that is expected to fail. */
export interface ExpectedFailure {
  readonly file: string
  /** Names of describe blocks and of the test, or the beginning of them. */
  readonly test: string
  readonly reason: string
  /** Against these only. */
  readonly brokers?: Brokers
  /** It may pass as well: that depends on how quick the machine is. */
  readonly rarely?: true
}

/** See above. */
export const expectedFailures: readonly ExpectedFailure[] = []
