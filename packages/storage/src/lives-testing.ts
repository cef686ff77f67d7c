// Random lives of something, one per seed, for tests that look at many.

/** A life that does not end is a failure too. */
const LIFE_MS = 30_000

/** Lives those of `count` seeds from FUZZ_SEED on, and says what was wrong with the first of those that failed; '' where none did. */
export const failuresOf = async (count: number, life: (seed: number) => Promise<void>): Promise<string> => {
  const first = Number(process.env.FUZZ_SEED)
  const failures: string[] = []
  for (let seed = first; seed < first + count && failures.length < 5; seed++) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it hangs')), LIFE_MS)
    })
    try {
      await Promise.race([life(seed), late])
    } catch (error) {
      failures.push(`FUZZ_SEED=${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }
  return failures.join('\n')
}
