// From plain numbers to the text that Prometheus reads. Loaded with the first scrape.
import type { Metric } from 'prom-client'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Family } from './family.ts'

/** A registry that reads the families at every scrape, and the process's own metrics. */
export function registryOf(families: readonly Family[]): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register })
  for (const family of families) register.registerMetric(metricOf(family))
  return register
}

function metricOf(family: Family): Metric {
  const base = { name: family.name, help: family.help, labelNames: [...family.labels], registers: [] }
  if (family.type === 'gauge')
    return new Gauge({
      ...base,
      async collect() {
        await family.refresh?.()
        this.reset()
        for (const { labels, value } of family.samples()) this.set(labels, value)
      },
    })
  return new Counter({
    ...base,
    async collect() {
      await family.refresh?.()
      this.reset()
      for (const { labels, value } of family.samples()) this.inc(labels, value)
    },
  })
}
