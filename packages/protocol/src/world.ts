// The world outside the program comes in through these small interfaces, so that the same code also runs in a seeded
// simulation with a virtual clock. Implementations live where the program is put together, never here; those of simulations and tests, which
// know nothing of a world, are `ManualClock` and `seededRandom`.

/** A pending call of a clock; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

/** Wall-clock time for what users see, monotonic time for durations and deadlines. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970; may jump either way. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back and ignores changes of the wall clock. */
  monotonic(): number
  /** Calls `run` once after at least `delayMs` of monotonic time; does not keep a process alive by itself. */
  after(delayMs: number, run: () => void): Timer
}

/** Source of randomness; seeded in tests. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** `size` random bytes. */
  bytes(size: number): Buffer
}

/** Structured logging, of the shape that pino has. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}
