// The known name that a mistyped one is probably meant to be.

/** The nearest of `names` if it is near enough to be a likely meaning: at most one change in four characters. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  const given = name.slice(0, 100)
  let nearest: string | undefined
  let fewest = Math.max(2, Math.floor(given.length / 4)) + 1
  for (const known of names) {
    if (Math.abs(known.length - given.length) >= fewest) continue
    const changes = distance(given, known)
    if (changes >= fewest) continue
    fewest = changes
    nearest = known
  }
  return nearest
}

/** Insertions, deletions, replacements and swaps of neighbours between two short texts. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      current[j] = cost
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
