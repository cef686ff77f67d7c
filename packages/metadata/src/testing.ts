// Aids for tests of whatever uses the metadata.
import { type Clock, type Logger, ManualClock } from '@ottla/protocol'
import { LocalStore } from './local-store.ts'
import { MemoryFiles } from './memory-files.ts'

/** Says nothing; for tests. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

/** A local store on a disk in memory; for tests. */
export const memoryStore = (clock: Clock = new ManualClock()): Promise<LocalStore> =>
  LocalStore.open({ directory: '/metadata', clock, logger: silentLogger, files: new MemoryFiles() })
