// Text from bytes. Topic names, client ids and group ids come again with every request: the last short ASCII texts are kept in
// a table of fixed size, so that most of them cost no call into the runtime and no allocation. Other texts pass it by.
const slots = 2048
const longest = 48
const kept: string[] = Array.from({ length: slots }, () => '')

/** The UTF-8 text in `[at, end)`; malformed bytes become U+FFFD, as in Java. */
export function readText(source: Buffer, at: number, end: number): string {
  const size = end - at
  if (size === 0) return ''
  if (size > longest) return source.toString('utf8', at, end)
  // A few bytes from the ends and the middle tell most names apart; the comparison decides.
  const middle = at + (size >> 1)
  let hash = size
  for (let index = at; index < end && index < at + 3; index++) hash = (Math.imul(hash, 31) + (source[index] ?? 0)) | 0
  for (let index = middle; index < end && index < middle + 4; index++) hash = (Math.imul(hash, 31) + (source[index] ?? 0)) | 0
  for (let index = size > 4 ? end - 4 : at; index < end; index++) hash = (Math.imul(hash, 31) + (source[index] ?? 0)) | 0
  const slot = (hash ^ (hash >>> 15)) & (slots - 1)
  const candidate = kept[slot] ?? ''
  if (candidate.length === size && matches(candidate, source, at)) return candidate
  const text = source.toString('utf8', at, end)
  if (isAscii(source, at, end)) kept[slot] = text
  return text
}

function matches(text: string, source: Buffer, at: number): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== source[at + index]) return false
  return true
}

function isAscii(source: Buffer, at: number, end: number): boolean {
  for (let index = at; index < end; index++) if ((source[index] ?? 0) >= 0x80) return false
  return true
}
