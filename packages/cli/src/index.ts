export type { StartOptions } from './commands/start.ts'
export { makeProgram, run } from './program.ts'
export { version } from './version.ts'
