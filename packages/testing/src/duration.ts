// Spans of time as tests write them: a number of milliseconds, or text such as '5m', '1h30m', '250ms', '7d'.

/** Milliseconds, or text of numbers with units: ms, s, m, h, d. */
export type Duration = number | string

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const part = /(\d+(?:\.\d+)?)\s*(ms|[smhd])\s*/gy

/** A span in milliseconds. Throws TypeError for text that is none, RangeError for less than nothing. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return duration
    throw new RangeError(`a duration must be a number of milliseconds that is not negative: ${duration}`)
  }
  const text = duration.trim()
  let total = 0
  let at = 0
  part.lastIndex = 0
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    total += Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0)
    at = part.lastIndex
  }
  if (at === 0 || at < text.length) throw new TypeError(`'${duration}' is no duration: write milliseconds, or text such as '5m' or '1h30m'`)
  return total
}
