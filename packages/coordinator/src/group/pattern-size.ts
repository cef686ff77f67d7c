// How large a pattern's program would be at most, told from its text alone: repetitions multiply, so a dozen characters can ask for a
// million instructions, and compiling them only to refuse them would take seconds. It knows RE2's syntax just well enough for that,
// errs on the large side, and leaves what is wrong with a pattern to the parser.

/** A class of Unicode is some hundred ranges, which compiling copies and sorts. */
const unicodeClassSize = 64

/**
 * At least a third of the instructions that a pattern compiles to: an atom counts one, and `*`, `|` and the like are characters as well.
 * Once above `limit` the pattern is not read further.
 */
export function patternSize(text: string, limit: number): number {
  const open: { total: number; last: number }[] = []
  let total = 0
  let last = 0
  const add = (size: number): void => {
    total += size
    last = size
  }
  for (let at = 0; at < text.length && total <= limit; ) {
    const repeat = text[at] === '{' ? repetitionAt(text, at) : undefined
    if (repeat !== undefined) {
      total += last * (repeat.times - 1)
      last *= repeat.times
      at = repeat.end
      continue
    }
    switch (text[at]) {
      case '(':
        open.push({ total, last })
        total = 0
        last = 0
        at++
        break
      case ')': {
        const size = total + 2
        total = open.pop()?.total ?? 0
        add(size)
        at++
        break
      }
      case '[': {
        const end = classEnd(text, at)
        add(1 + unicodeClassSize * unicodeClasses(text, at, end))
        at = end
        break
      }
      case '\\': {
        const end = escapeEnd(text, at)
        add(1 + unicodeClassSize * unicodeClasses(text, at, end))
        // Quoted text is one atom per character.
        if (text[at + 1] === 'Q') total += end - at
        at = end
        break
      }
      default:
        add(1)
        at++
    }
  }
  // What was never closed counts too.
  for (const outer of open) total += outer.total
  return total
}

/** `{n}`, `{n,}` or `{n,m}`: how many copies it makes. Undefined for braces that stand for themselves. */
function repetitionAt(text: string, at: number): { times: number; end: number } | undefined {
  let end = at + 1
  const number = (): number => {
    let value = 0
    for (; isDigit(text[end]); end++) value = Math.min(value * 10 + Number(text[end]), Number.MAX_SAFE_INTEGER / 10)
    return value
  }
  if (!isDigit(text[end])) return undefined
  let times = number()
  if (text[end] === ',') {
    end++
    times = isDigit(text[end]) ? number() : times + 1
  }
  return text[end] === '}' ? { times: Math.max(times, 1), end: end + 1 } : undefined
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9'

/** Behind the escape that begins at a backslash. */
function escapeEnd(text: string, at: number): number {
  const kind = text[at + 1]
  if (kind === 'Q') return behind(text, '\\E', at + 2)
  if ((kind === 'p' || kind === 'P' || kind === 'x') && text[at + 2] === '{') return behind(text, '}', at + 3)
  return at + 2
}

/** Behind the class that begins at a bracket; the end of the text if it is never closed. */
function classEnd(text: string, at: number): number {
  let next = at + 1
  if (text[next] === '^') next++
  // A closing bracket in the first place stands for itself.
  if (text[next] === ']') next++
  while (next < text.length && text[next] !== ']') {
    if (text[next] === '\\') next = escapeEnd(text, next)
    else if (text[next] === '[' && text[next + 1] === ':') next = classNameEnd(text, next)
    else next++
  }
  return next + 1
}

/** Behind `[:alpha:]`; without its end the bracket stands for itself. */
function classNameEnd(text: string, at: number): number {
  const end = text.indexOf(':]', at + 2)
  return end === -1 ? at + 1 : end + 2
}

function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at + mark.length
}

function unicodeClasses(text: string, from: number, end: number): number {
  let count = 0
  for (let at = from; at < end; at++) if (text[at] === '\\' && (text[at + 1] === 'p' || text[at + 1] === 'P')) count++
  return count
}
