// Matchers for jest: `import '@ottla/testing/jest'` in a test, or in `setupFilesAfterEnv`. Jest's `expect` is found where jest puts it, so this
// needs no package of jest; with `injectGlobals: false` use `expect.extend(matchers)`.
import { type KafkaMatchers, matchers } from './expect/matchers.ts'

/** As much of jest's `expect` as is used. */
interface Extendable {
  extend(added: typeof matchers): void
}

const isExtendable = (value: unknown): value is Extendable =>
  (typeof value === 'function' || typeof value === 'object') && value !== null && 'extend' in value && typeof value.extend === 'function'

const expectOfJest: unknown = Reflect.get(globalThis, 'expect')
if (isExtendable(expectOfJest)) expectOfJest.extend(matchers)

export { type KafkaMatchers, matchers } from './expect/matchers.ts'

declare global {
  namespace jest {
    interface Matchers<R, T = {}> extends KafkaMatchers<Promise<R>, T> {}
  }
}
