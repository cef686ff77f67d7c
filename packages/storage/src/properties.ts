// The text format of java.util.Properties: `meta.properties`, and any `server.properties`.

/** A setting with the number of the line that it begins on, from 1. */
export interface Property {
  readonly key: string
  readonly value: string
  readonly line: number
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/**
 * Parses properties: comments with # or !, `key=value`, `key:value` or `key value`, a backslash before the end of a line goes on in the
 * next, `\t \n \r \f \uXXXX` and a backslash before any other character. All entries in order, a key that comes twice too (the last one
 * counts). Every text is valid; Java's one exception, a broken `\u`, is taken as it stands.
 */
export function parseProperties(text: string): Property[] {
  const lines = text.split(/\r\n|\n|\r/)
  const properties: Property[] = []
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let logical = trimStart(lines[index])
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    const parts: string[] = []
    while (endsWithContinuation(logical) && index + 1 < lines.length) {
      parts.push(logical.slice(0, -1))
      index++
      logical = trimStart(lines[index])
    }
    parts.push(endsWithContinuation(logical) ? logical.slice(0, -1) : logical)
    properties.push({ ...splitEntry(parts.join('')), line })
  }
  return properties
}

const trimStart = (line = ''): string => line.replace(/^[ \t\f]+/, '')

/** An odd number of backslashes at the end. */
function endsWithContinuation(line: string): boolean {
  let count = 0
  while (count < line.length && line[line.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

function splitEntry(text: string): { key: string; value: string } {
  let end = 0
  while (end < text.length && !/[=: \t\f]/.test(text.charAt(end))) end += text[end] === '\\' ? 2 : 1
  const rest = text.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { key: unescape(text.slice(0, end)), value: unescape(rest) }
}

const unescape = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\(?:u(?<code>[\da-fA-F]{4})|(?<plain>[^]))/g, (_all, code: string | undefined, plain: string | undefined) =>
        code === undefined ? (escapes[plain ?? ''] ?? plain ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
      )
    : text

const shortEscapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' }
const escape = (text: string): string => text.replace(/[\\=:#!\t\n\r\f]/g, found => shortEscapes[found] ?? `\\${found}`)

/** One `key=value` line with its end, escaped as Java writes it. */
export const propertyLine = (key: string, value: string): string =>
  `${escape(key).replaceAll(' ', '\\ ')}=${escape(value).replace(/^ +/, spaces => '\\ '.repeat(spaces.length))}\n`
