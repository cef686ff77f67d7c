// Seeds of faults by chance that are in use, for messages about tests that failed.
const inUse = new Map<object, number>()

/** Notes that faults by chance are in use, until `forget`. */
export const noteSeed = (owner: object, seed: number): void => void inUse.set(owner, seed)

/** They are in use no more. */
export const forgetSeed = (owner: object): void => void inUse.delete(owner)

/** All seeds in use. */
export const seedsInUse = (): number[] => [...inUse.values()]

/** What is added to messages about failures. */
export const seedNote = (): string =>
  inUse.size === 0 ? '' : `\nFaults by chance: repeat this with startKafka({ seed: ${seedsInUse().join(' or ')} })`
