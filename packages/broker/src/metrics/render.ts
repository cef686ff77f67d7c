// From plain numbers to the text that Prometheus reads (exposition format 0.0.4), a slice at a time: there may be tens of thousands of series.
// Of prom-client come the process's own metrics. Loaded with the first scrape.
import { setImmediate } from 'node:timers/promises'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Family, Sample } from './family.ts'

/** So many series are written before others have their turn. */
const SLICE_SERIES = 1_000

/** What a scrape gets. */
export interface Scraped {
  readonly contentType: string
  metrics(): Promise<string>
}

/** Reads the families at every scrape, and the process's own metrics. */
export function registryOf(families: readonly Family[]): Scraped {
  const refreshes = [...new Set(families.flatMap(({ refresh }) => refresh ?? []))]
  const register = new Registry()
  collectDefaultMetrics({ register })
  return {
    contentType: register.contentType,
    async metrics() {
      await Promise.all(refreshes.map(refresh => refresh()))
      const parts = [await register.metrics()]
      let written = 0
      for (const family of families) {
        parts.push(`\n# HELP ${family.name} ${escaped(family.help)}\n# TYPE ${family.name} ${family.type}\n`)
        for (const sample of family.samples()) {
          parts.push(line(family.name, sample))
          written += 1
          if (written % SLICE_SERIES === 0) await setImmediate()
        }
      }
      return parts.join('')
    },
  }
}

function line(name: string, { labels, value }: Sample): string {
  let text = ''
  for (const label of Object.keys(labels)) text += `${text === '' ? '' : ','}${label}="${escapedLabel(labels[label] ?? '')}"`
  return text === '' ? `${name} ${number(value)}\n` : `${name}{${text}} ${number(value)}\n`
}

/** Anything may be in a label, but what ends it or its line. */
const escapedLabel = (value: string): string => (/["\\\n]/.test(value) ? escaped(value).replaceAll('"', '\\"') : value)

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

const number = (value: number): string => (Math.abs(value) === Infinity ? `${value > 0 ? '+' : '-'}Inf` : String(value))
