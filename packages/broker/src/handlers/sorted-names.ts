// Names in the order in which Java sorts text, found in the time that long requests share: sorting a hundred thousand takes too long for one turn of
// the event loop. Runs of names are sorted each, then merged two by two.
import type { Slices } from '../replica/slices.ts'

/** So many names are sorted in one go. */
const RUN_LENGTH = 2048

/** See the top of the file. */
export async function sortedNames(names: readonly string[], slices: Slices): Promise<readonly string[]> {
  const starts = Array.from({ length: Math.ceil(names.length / RUN_LENGTH) }, (_, at) => at * RUN_LENGTH)
  let runs = await slices.map(starts, start => names.slice(start, start + RUN_LENGTH).toSorted())
  while (runs.length > 1) {
    const before = runs
    const lefts = Array.from({ length: Math.ceil(before.length / 2) }, (_, at) => at * 2)
    runs = await slices.map(lefts, left => merged(before[left] ?? [], before[left + 1] ?? []))
  }
  return runs[0] ?? []
}

function merged(a: readonly string[], b: readonly string[]): string[] {
  const all: string[] = []
  let at = 0
  for (const name of a) {
    for (let other = b[at]; other !== undefined && other < name; other = b[at]) {
      all.push(other)
      at++
    }
    all.push(name)
  }
  for (; at < b.length; at++) all.push(b[at] ?? '')
  return all
}
