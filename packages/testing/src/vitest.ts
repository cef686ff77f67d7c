// Matchers for vitest: `import '@ottla/testing/vitest'` in a test or in a setup file, or take `expect` from here.
import { afterEach, expect } from 'vitest'
import { type KafkaMatchers, matchers } from './expect/matchers.ts'
import { seedsInUse } from './seeds.ts'

expect.extend(matchers)

// What chance did is repeated by its seed, so a test that failed tells it.
afterEach(({ task }) => {
  const seeds = seedsInUse()
  if (task.result?.state === 'fail' && seeds.length > 0)
    console.error(`faults by chance: repeat this with startKafka({ seed: ${seeds.join(' or ')} })`)
})

declare module 'vitest' {
  interface Matchers<T> extends KafkaMatchers<Promise<void>, T> {}
}

export { expect } from 'vitest'
export type { KafkaMatchers } from './expect/matchers.ts'
