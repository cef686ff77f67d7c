// What jest asks for the place of a module: KafkaJS's public modules and its test helpers become ours, everything else stays what it is.
// Which file becomes which is in the JSON file that OTTLA_SUITE_MODULES names.
import { readFileSync } from 'node:fs'
import { sep } from 'node:path'

interface ResolverOptions {
  readonly basedir: string
  readonly defaultResolver: (request: string, options: ResolverOptions) => string
}

interface Replacements {
  readonly replaced: Readonly<Record<string, string>>
  readonly builds: string
}

const { replaced, builds }: Replacements = JSON.parse(readFileSync(process.env['OTTLA_SUITE_MODULES'] ?? '', 'utf8'))

/** See above. The replacements themselves get at what they replace. */
export default function resolve(request: string, options: ResolverOptions): string {
  if (request === 'testHelpers') return replaced['testHelpers'] ?? request
  const found = options.defaultResolver(request, options)
  return `${options.basedir}${sep}`.startsWith(`${builds}${sep}`) ? found : (replaced[found] ?? found)
}
