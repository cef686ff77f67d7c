// What an interrupted compaction of Apache Kafka leaves behind (LogLoader.removeTempFilesAndCollectSwapFiles): `.cleaned` files are not
// finished and go; `.swap` files are complete and take the place of the segments whose offsets they cover.

import type { Files } from './files.ts'
import { batchAt, FileWindow } from './scan.ts'

const NAME = /^(?<offset>\d{20})\.(?<kind>log|index|timeindex|txnindex|snapshot)(?<suffix>|\.swap|\.cleaned)$/

interface Named {
  readonly name: string
  readonly offset: number
  readonly kind: string
  readonly suffix: string
}

const parse = (name: string): Named[] => {
  const groups = NAME.exec(name)?.groups
  if (groups?.offset === undefined || groups.kind === undefined) return []
  return [{ name, offset: Number(groups.offset), kind: groups.kind, suffix: groups.suffix ?? '' }]
}

/** The offset after the last batch of a file. */
const endOf = (files: Files, path: string, baseOffset: number): number => {
  const size = files.statSync(path)?.size ?? 0
  const file = files.openSync(path, 'read')
  try {
    const window = new FileWindow(file, size)
    let end = baseOffset
    for (let position = 0; position < size; ) {
      const batch = batchAt(window, position, { minOffset: end, maxOffset: Number.MAX_SAFE_INTEGER })
      if (batch === undefined) break
      end = batch.lastOffset + 1
      position += batch.size
    }
    return end
  } finally {
    file.closeSync()
  }
}

/** Finishes or undoes the exchange of segments in a partition's folder; returns the names that are there then. Throws the platform's error. */
export const finishSwaps = (files: Files, folder: string, names: readonly string[]): readonly string[] => {
  const all = names.flatMap(parse)
  const cleaned = all.filter(file => file.suffix === '.cleaned')
  const swaps = all.filter(file => file.suffix === '.swap')
  if (cleaned.length === 0 && swaps.length === 0) return names
  // A segment that was being split has both; its halves are not all there then.
  const firstCleaned = Math.min(...cleaned.map(file => file.offset))
  const complete = swaps.filter(file => file.offset < firstCleaned)
  for (const file of [...cleaned, ...swaps.filter(each => each.offset >= firstCleaned)]) files.unlinkSync(`${folder}/${file.name}`)
  const logs = complete.filter(file => file.kind === 'log')
  const from = Math.min(...logs.map(file => file.offset))
  const until = Math.max(...logs.map(file => endOf(files, `${folder}/${file.name}`, file.offset)))
  for (const file of all) {
    if (file.suffix === '' && file.offset >= from && file.offset < until) files.unlinkSync(`${folder}/${file.name}`)
  }
  for (const { name } of complete) files.renameSync(`${folder}/${name}`, `${folder}/${name.slice(0, -'.swap'.length)}`)
  return files.listSync(folder)
}
