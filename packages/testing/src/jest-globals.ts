// Matchers for programs that import jest's `expect` from '@jest/globals', with `injectGlobals` or without: `import '@ottla/testing/jest-globals'` in a
// test, or in `setupFilesAfterEnv`. Its types are those of the package `expect`, which '@jest/globals' has them from.
import { expect } from '@jest/globals'
import { type KafkaMatchers, matchers } from './expect/matchers.ts'

expect.extend(matchers)

export { type KafkaMatchers, matchers } from './expect/matchers.ts'

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends KafkaMatchers<Promise<R>, T> {}
}
